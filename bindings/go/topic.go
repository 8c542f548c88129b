package pmqtt

// #include "bridge.h"
import "C"

import "strings"

// TopicMatches reports whether a filter matches a topic (section 4.7 of the specification). A shared subscription,
// $share/group/filter, matches what filter matches. A malformed filter or topic is ErrInvalid.
func TopicMatches(filter, topic string) (bool, error) {
	if err := checkString("the filter or the topic", filter+topic); err != nil {
		return false, err
	}
	sub, name := C.CString(filter), C.CString(topic)
	defer freeAll(sub, name)
	var result C.bool
	if rc := C.pmqtt_topic_matches_sub(sub, name, &result); rc != C.PMQTT_ERR_SUCCESS {
		return false, Code(rc)
	}
	return bool(result), nil
}

// matches is TopicMatches for a filter and a topic that went over the wire, and so are well-formed. A
// crossing for each filter and each message would cost more than it does.
func matches(filter, topic string) bool {
	if shared := strings.TrimPrefix(filter, "$share/"); shared != filter {
		if _, behind, found := strings.Cut(shared, "/"); found && levelsMatch(behind, topic) {
			return true
		}
	}
	return levelsMatch(filter, topic)
}

func levelsMatch(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && !strings.HasPrefix(filter, "$") {
		return false // [MQTT-4.7.2-1]
	}
	for {
		want, moreFilter, filterGoesOn := strings.Cut(filter, "/")
		if want == "#" {
			return true
		}
		have, moreTopic, topicGoesOn := strings.Cut(topic, "/")
		if want != "+" && want != have {
			return false
		}
		if !topicGoesOn {
			// "a/#" matches "a" too.
			return !filterGoesOn || moreFilter == "#"
		}
		if !filterGoesOn {
			return false
		}
		filter, topic = moreFilter, moreTopic
	}
}
