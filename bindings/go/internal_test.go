package pmqtt

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestVersionCheck(t *testing.T) {
	for _, c := range []struct {
		header, library int
		good            bool
	}{
		{1_000, 1_000, true},
		{1_000, 1_005, true},
		{1_005, 1_000, false},
		{1_000, 2_000, false},
		{1_000, 1_001_000, false},
		{1_002_003, 1_002_003, true},
		{1_002_003, 1_010_000, true},
		{1_002_003, 1_002_002, false},
		{1_002_003, 2_002_003, false},
	} {
		err := checkVersion(c.header, c.library)
		if (err == nil) != c.good || err != nil && !errors.Is(err, ErrNotSupported) {
			t.Errorf("header %d, library %d: %v", c.header, c.library, err)
		}
	}
	if err := checkLibrary(); err != nil {
		t.Error(err)
	}
}

func TestTopicMatches(t *testing.T) {
	for _, c := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/#", "a", true},
		{"a/+", "a/b/c", false},
		{"#", "$SYS/a", false},
		{"$share/group/a/+", "a/b", true},
	} {
		if have, err := TopicMatches(c.filter, c.topic); err != nil || have != c.want {
			t.Errorf("%s, %s: %v, %v", c.filter, c.topic, have, err)
		}
	}
	if _, err := TopicMatches("a/#/b", "a"); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
}

// A filter has one route while it is subscribed, and a new one after that.
func TestRoutes(t *testing.T) {
	c := &Client{}
	handler := &subscription{Subscription: Subscription{Handler: func(*Message) {}}}
	var ids []uint64
	for _, filter := range []string{"a", "b", "c", "d"} {
		r := c.route(filter)
		if c.assign(r, handler) != nil || c.route(filter) != r || c.routeOf(r.id) != r {
			t.Fatal(filter)
		}
		ids = append(ids, r.id)
	}
	b := c.route("b")
	if c.endRoute(b) != handler || c.endRoute(b) != nil {
		t.Fatal("it has one subscription")
	}
	if again := c.route("b"); again == b || again.id <= ids[3] {
		t.Fatal("it is still there")
	}
	for i, id := range ids {
		if s := c.routeOf(id).subscription.Load(); (s == nil) != (i == 1) {
			t.Fatal(id, s)
		}
	}
}

// Close ends all subscriptions, which gives OnMessage no message that a handler would have had.
func TestNoMessageAfterClose(t *testing.T) {
	c := &Client{options: Options{OnMessage: func(*Message) { t.Error("it is called") }}}
	c.inbox.init(0)
	c.inbox.close()
	c.handOver(&Message{}, newRoute(1, "a").alone)
}

func TestReasons(t *testing.T) {
	const quota = 0x97
	lost := newError(ErrConnLost, "words")
	for _, err := range []error{nil, ErrRejected, lost} {
		if withReason(err, unsaid, nil) != err {
			t.Error("it is another without a reason")
		}
	}
	var told *Error
	err := withReason(ErrRejected, quota, &Properties{ReasonString: "No more."})
	if !errors.Is(err, ErrRejected) || !errors.As(err, &told) ||
		told.Reason != quota || told.Text != "mqtt: Quota exceeded. The broker says: No more." ||
		told.Properties.ReasonString != "No more." {
		t.Error(err)
	}
	if err := withReason(lost, quota, nil); !errors.Is(err, ErrConnLost) || lost.Reason != quota || lost.Text != "words" {
		t.Error(err)
	}
	if withReason(nil, quota, nil) != nil {
		t.Error("a reason is no error")
	}
}

// An outcome that arrives while Drain waits counts for this Drain.
func TestDrainInDoubt(t *testing.T) {
	c := &Client{wanted: true, publishes: map[uint64]*Token{1: nil}}
	drained := make(chan error)
	go func() { drained <- c.Drain(context.Background()) }()
	for waits := false; !waits; time.Sleep(time.Millisecond) {
		c.mu.Lock()
		waits = c.settled != nil
		c.mu.Unlock()
	}
	c.mu.Lock()
	delete(c.publishes, 1)
	c.doubts++
	c.announceSettled()
	c.mu.Unlock()
	if err := <-drained; !errors.Is(err, ErrInDoubt) {
		t.Error(err)
	}
	if err := c.Drain(context.Background()); err != nil {
		t.Error(err)
	}
}
