package pmqtt

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func of[T any](value T) *T { return &value }

// Each property with a value, and its bytes in a packet: the same as in tests-c/properties.c.
var propertyVectors = []struct {
	wire string
	want Properties
}{
	{"\x01\x01", Properties{PayloadIsUTF8: true}},
	{"\x02\x01\x02\x03\x04", Properties{MessageExpiry: of[uint32](0x01020304)}},
	{"\x03\x00\x0atext/plain", Properties{ContentType: "text/plain"}},
	{"\x08\x00\x03r/1", Properties{ResponseTopic: "r/1"}},
	{"\x09\x00\x02\xff\x01", Properties{CorrelationData: []byte{0xff, 1}}},
	{"\x0b\xff\xff\xff\x7f", Properties{SubscriptionIDs: []uint32{268435455}}},
	{"\x11\xff\xff\xff\xff", Properties{SessionExpiry: of[uint32](0xffffffff)}},
	{"\x12\x00\x02id", Properties{AssignedClientID: "id"}},
	{"\x13\x12\x34", Properties{ServerKeepAlive: of[uint16](0x1234)}},
	{"\x15\x00\x01M", Properties{AuthMethod: "M"}},
	{"\x16\x00\x00", Properties{AuthData: []byte{}}},
	{"\x17\x00", Properties{RequestProblemInfo: of(false)}},
	{"\x18\x00\x00\x00\x05", Properties{WillDelay: of[uint32](5)}},
	{"\x19\x01", Properties{RequestResponseInfo: of(true)}},
	{"\x1a\x00\x01i", Properties{ResponseInfo: "i"}},
	{"\x1c\x00\x05other", Properties{ServerReference: "other"}},
	{"\x1f\x00\x02ü", Properties{ReasonString: "ü"}},
	{"\x21\xff\xff", Properties{ReceiveMaximum: of[uint16](65535)}},
	{"\x22\x00\x00", Properties{TopicAliasMaximum: of[uint16](0)}},
	{"\x23\x00\x01", Properties{TopicAlias: of[uint16](1)}},
	{"\x24\x01", Properties{MaximumQoS: of(AtLeastOnce)}},
	{"\x25\x00", Properties{RetainAvailable: of(false)}},
	{"\x26\x00\x04site\x00\x05north", Properties{UserProperties: []UserProperty{{"site", "north"}}}},
	{"\x27\x00\x00\x00\x01", Properties{MaximumPacketSize: of[uint32](1)}},
	{"\x28\x01", Properties{WildcardAvailable: of(true)}},
	{"\x29\x00", Properties{SubscriptionIDsAvailable: of(false)}},
	{"\x2a\x01", Properties{SharedAvailable: of(true)}},
}

// allProperties is a list of all of them.
func allProperties() string {
	var all strings.Builder
	for _, vector := range propertyVectors {
		all.WriteString(vector.wire)
	}
	return all.String()
}

func mustEncode(t *testing.T, p *Properties) string {
	t.Helper()
	list, err := p.encode(nil)
	if err != nil {
		t.Fatalf("%+v: %v", p, err)
	}
	return string(list)
}

func TestPropertiesAreReadAndWritten(t *testing.T) {
	if len(propertyVectors) != reflect.TypeOf(Properties{}).NumField() {
		t.Error("a property has no vector")
	}
	for _, vector := range propertyVectors {
		if have := parseProperties(vector.wire); !reflect.DeepEqual(*have, vector.want) {
			t.Errorf("%q: %+v", vector.wire, *have)
		}
		if have := mustEncode(t, &vector.want); have != vector.wire {
			t.Errorf("%+v: %q", vector.want, have)
		}
	}
	all := allProperties()
	if have := mustEncode(t, parseProperties(all)); have != all {
		t.Errorf("%q", have)
	}
}

func TestNoProperties(t *testing.T) {
	if parseProperties("") != nil {
		t.Error("an empty list has properties")
	}
	var none *Properties
	if _, found := none.User(""); found {
		t.Error("there is a user property")
	}
	if mustEncode(t, none) != "" || mustEncode(t, &Properties{}) != "" {
		t.Error("no properties have bytes")
	}
}

func TestRepeatedProperties(t *testing.T) {
	list := "\x26\x00\x01b\x00\x011\x0b\x7f\x03\x00\x01x\x0b\x80\x01\x03\x00\x01y" +
		"\x26\x00\x01a\x00\x012\x26\x00\x01a\x00\x013\x26\x00\x00\x00\x00\x21\x00\x01\x21\x00\x02"
	p := parseProperties(list)
	want := Properties{
		ContentType:     "x",
		SubscriptionIDs: []uint32{127, 128},
		ReceiveMaximum:  of[uint16](1),
		UserProperties:  []UserProperty{{"b", "1"}, {"a", "2"}, {"a", "3"}, {"", ""}},
	}
	if !reflect.DeepEqual(*p, want) {
		t.Errorf("%+v", *p)
	}
	for name, value := range map[string]string{"a": "2", "b": "1", "": ""} {
		if have, found := p.User(name); !found || have != value {
			t.Errorf("%q: %q, %v", name, have, found)
		}
	}
	if _, found := p.User("c"); found {
		t.Error("there is no c")
	}
}

// A list ends before the first property that is not whole or not known.
func TestMalformedProperties(t *testing.T) {
	all := allProperties()
	whole, next := 0, 0
	for cut := range all {
		if cut == whole+len(propertyVectors[next].wire) {
			whole, next = cut, next+1
		}
		if have := mustEncode(t, parseProperties(all[:cut])); have != all[:whole] {
			t.Fatalf("%q: %q", all[:cut], have)
		}
	}
	for _, bad := range []string{"\x00", "\x04\x00", "\x2b\x00", "\xff", "\x0b\x80\x00", "\x0b\xff\xff\xff\xff\x7f"} {
		if have := parseProperties(bad + "\x24\x01"); !reflect.DeepEqual(*have, Properties{}) {
			t.Errorf("%q: %+v", bad, *have)
		}
	}
}

func TestWrongPropertiesAreNotWritten(t *testing.T) {
	long := strings.Repeat("a", 65_536)
	user := func(name, value string) Properties {
		return Properties{UserProperties: []UserProperty{{"a", "b"}, {name, value}}}
	}
	for _, c := range []struct {
		words string
		p     Properties
	}{
		{"ContentType is not UTF-8", Properties{ContentType: "\xff"}},
		{"ContentType contains a NUL", Properties{ContentType: "a\x00"}},
		{"ContentType is longer than 65,535 bytes", Properties{ContentType: long}},
		{"ResponseTopic must not contain + and #", Properties{ResponseTopic: "a/+"}},
		{"CorrelationData is longer than 65,535 bytes", Properties{CorrelationData: []byte(long)}},
		{"SubscriptionIDs must not be 0", Properties{SubscriptionIDs: []uint32{1, 0}}},
		{"SubscriptionIDs has 268435456, which is over 268435455", Properties{SubscriptionIDs: []uint32{268435456}}},
		{"ReceiveMaximum must not be 0", Properties{ReceiveMaximum: of[uint16](0)}},
		{"TopicAlias must not be 0", Properties{TopicAlias: of[uint16](0)}},
		{"MaximumPacketSize must not be 0", Properties{MaximumPacketSize: of[uint32](0)}},
		{"MaximumQoS is 2, not 0 or 1", Properties{MaximumQoS: of(ExactlyOnce)}},
		{"UserProperties is not UTF-8", user("\xed\xa0\x80", "a")},
		{"UserProperties contains a NUL", user("a", "\x00")},
		{"UserProperties is longer than 65,535 bytes", user(long, "a")},
	} {
		list, err := c.p.encode(nil)
		if list != nil || !errors.Is(err, ErrInvalid) || err.Error() != "pmqtt: properties: "+c.words {
			t.Errorf("%q: %v", c.words, err)
		}
	}
	mustEncode(t, &Properties{ContentType: long[1:], CorrelationData: []byte(long[1:])})
}

// What can be written is read as it was, and no bytes are too wrong to read.
func FuzzProperties(f *testing.F) {
	all := allProperties()
	for cut := range all {
		f.Add(all[:cut])
	}
	for _, vector := range propertyVectors {
		f.Add(vector.wire + vector.wire)
	}
	f.Add("\x0b\x80\x00")
	f.Fuzz(func(t *testing.T, list string) {
		p := parseProperties(list)
		written, err := p.encode(nil)
		if err != nil {
			return // a value that the broker must not send
		}
		if again := parseProperties(string(written)); len(written) > 0 && !reflect.DeepEqual(again, p) {
			t.Fatalf("%+v became %+v", p, again)
		}
	})
}
