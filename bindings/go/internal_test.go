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

// The matching in Go is the library's.
func TestMatching(t *testing.T) {
	filters := []string{"#", "+", "a", "a/", "a/#", "a/+", "+/+", "a/+/c", "a/b/#", "+/b/#", "/", "/+", "/#", "+/#",
		"$SYS/#", "$SYS/+", "$SYS", "a//c", "a/b/c/d", "$share/g/a", "$share/g/#", "$share/g/a/+", "$share/g/+", "$share/g//",
		"$share/g/$SYS/#", "$share/g/$share/h/a", "$share", "$shared/a"}
	topics := []string{"a", "b", "a/", "a/b", "a/b/c", "/", "/a", "//", "a//c", "$SYS", "$SYS/a", "$SYS/a/b", "a/b/c/d",
		"$share", "$shared/a", "$share/g/a", "$share/h/a"}
	for _, filter := range filters {
		for _, topic := range topics {
			want, err := TopicMatches(filter, topic)
			if err != nil || matches(filter, topic) != want {
				t.Errorf("%s, %s: %v, %v", filter, topic, want, err)
			}
		}
	}
	if _, err := TopicMatches("a/#/b", "a"); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
}

// Whatever a filter is made of: where it is well-formed the two agree, and else none panics.
func TestMatchingOfAnything(t *testing.T) {
	parts := []string{"", "/", "a", "+", "#", "$", "$share/", "g/"}
	filters := []string{""}
	for from, length := 0, 0; length < 4; length++ {
		to := len(filters)
		for _, filter := range filters[from:to] {
			for _, part := range parts[1:] {
				filters = append(filters, filter+part)
			}
		}
		from = to
	}
	for _, filter := range filters {
		for _, topic := range append(parts, "$share/g/a", "a/a", "g/a") {
			have := matches(filter, topic)
			if want, err := TopicMatches(filter, topic); err == nil && have != want {
				t.Errorf("%s, %s: %v, %v", filter, topic, want, have)
			}
		}
	}
}

// An outcome that comes while Drain waits is its own.
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
