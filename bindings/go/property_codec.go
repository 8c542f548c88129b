package pmqtt

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	maxString = 65_535
	maxVarInt = 268_435_455
)

// parseProperties reads a list of properties, without the length in front of it. It returns nil if there are none. A
// list that is not well-formed ends before the first wrong property. Of a property that must not repeat, the first
// counts.
func parseProperties(list string) *Properties {
	if len(list) == 0 {
		return nil
	}
	p := new(Properties)
	r := propertyReader{rest: list}
	for len(r.rest) > 0 {
		id := r.byte()
		_, field := p.field(id)
		r.read(field)
		if r.failed {
			break
		}
	}
	return p
}

// A propertyReader reads values from a list. Its strings are parts of the list. After it has failed, all
// values are empty.
type propertyReader struct {
	rest   string
	failed bool
}

// read sets a field, if that is not set yet.
func (r *propertyReader) read(field any) {
	switch field := field.(type) {
	case *bool:
		*field = r.byte() == 1 || *field
	case **bool:
		set(r, field, r.byte() == 1)
	case **QoS:
		set(r, field, QoS(r.byte()))
	case **uint16:
		set(r, field, r.uint16())
	case **uint32:
		set(r, field, r.uint32())
	case *string:
		if text := r.string(); *field == "" {
			*field = text
		}
	case *[]byte:
		if data := r.string(); *field == nil && !r.failed {
			*field = []byte(data)
		}
	case *[]uint32:
		if id := r.varInt(); !r.failed {
			*field = append(*field, id)
		}
	case *[]UserProperty:
		if user := (UserProperty{r.string(), r.string()}); !r.failed {
			*field = append(*field, user)
		}
	default:
		r.failed = true
	}
}

func set[T any](r *propertyReader, field **T, value T) {
	if *field == nil && !r.failed {
		*field = &value
	}
}

func (r *propertyReader) take(count int) string {
	if r.failed || count > len(r.rest) {
		r.failed = true
		return ""
	}
	taken := r.rest[:count]
	r.rest = r.rest[count:]
	return taken
}

func (r *propertyReader) byte() byte {
	if taken := r.take(1); taken != "" {
		return taken[0]
	}
	return 0
}

func (r *propertyReader) uint16() uint16 {
	if taken := r.take(2); taken != "" {
		return uint16(taken[0])<<8 | uint16(taken[1])
	}
	return 0
}

func (r *propertyReader) uint32() uint32 {
	if taken := r.take(4); taken != "" {
		return uint32(taken[0])<<24 | uint32(taken[1])<<16 | uint32(taken[2])<<8 | uint32(taken[3])
	}
	return 0
}

func (r *propertyReader) string() string { return r.take(int(r.uint16())) }

// varInt reads a variable byte integer, in as few bytes as it needs [MQTT5-1.5.5-1].
func (r *propertyReader) varInt() uint32 {
	var number uint32
	for shift := 0; shift < 28; shift += 7 {
		b := r.byte()
		number |= uint32(b&0x7f) << shift
		if b < 0x80 {
			r.failed = r.failed || b == 0 && shift > 0
			return number
		}
	}
	r.failed = true
	return 0
}

// encode appends the properties to a list, in the order of their identifiers. The error names the field.
func (p *Properties) encode(list []byte) ([]byte, error) {
	if p == nil {
		return list, nil
	}
	for id := byte(1); id <= lastProperty; id++ {
		name, field := p.field(id)
		longer, err := appendProperty(list, id, field)
		if err != nil {
			return nil, invalid(fmt.Sprintf("properties: %s %v", name, err))
		}
		list = longer
	}
	return list, nil
}

func appendProperty(list []byte, id byte, field any) ([]byte, error) {
	switch field := field.(type) {
	case *bool:
		if *field {
			list = append(list, id, 1)
		}
	case **bool:
		if *field != nil {
			list = append(list, id, 0)
			if **field {
				list[len(list)-1] = 1
			}
		}
	case **QoS:
		if *field != nil {
			if **field > AtLeastOnce {
				return nil, fmt.Errorf("is %d, not 0 or 1", **field)
			}
			list = append(list, id, byte(**field))
		}
	case **uint16:
		if *field != nil {
			if **field == 0 && !mayBeZero(id) {
				return nil, errZero
			}
			list = binary.BigEndian.AppendUint16(append(list, id), **field)
		}
	case **uint32:
		if *field != nil {
			if **field == 0 && !mayBeZero(id) {
				return nil, errZero
			}
			list = binary.BigEndian.AppendUint32(append(list, id), **field)
		}
	case *string:
		if *field != "" {
			if id == responseTopic && strings.ContainsAny(*field, "+#") {
				return nil, errWildcard
			}
			return appendText(append(list, id), *field)
		}
	case *[]byte:
		if *field != nil {
			return appendString(append(list, id), string(*field))
		}
	case *[]uint32:
		for _, number := range *field {
			if number == 0 {
				return nil, errZero
			}
			if number > maxVarInt {
				return nil, fmt.Errorf("has %d, which is over %d", number, maxVarInt)
			}
			list = binary.AppendUvarint(append(list, id), uint64(number))
		}
	case *[]UserProperty:
		for _, user := range *field {
			var err error
			if list, err = appendText(append(list, id), user.Name); err != nil {
				return nil, err
			}
			if list, err = appendText(list, user.Value); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// A valueError says what is wrong with a field.
type valueError string

func (e valueError) Error() string { return string(e) }

const (
	errZero     = valueError("must not be 0")
	errWildcard = valueError("must not contain + and #")
	errNotUTF8  = valueError("is not UTF-8")
	errNUL      = valueError("contains a NUL")
	errTooLong  = valueError("is longer than 65,535 bytes")
)

// mayBeZero: all but the receive maximum, the topic alias and the maximum packet size.
func mayBeZero(id byte) bool { return id != 0x21 && id != 0x23 && id != 0x27 }

func appendText(list []byte, text string) ([]byte, error) {
	if !utf8.ValidString(text) {
		return nil, errNotUTF8
	}
	if strings.IndexByte(text, 0) >= 0 {
		return nil, errNUL
	}
	return appendString(list, text)
}

func appendString(list []byte, text string) ([]byte, error) {
	if len(text) > maxString {
		return nil, errTooLong
	}
	return append(binary.BigEndian.AppendUint16(list, uint16(len(text))), text...), nil
}
