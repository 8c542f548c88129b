package pmqtt

// #include "bridge.h"
import "C"

// TopicMatches reports whether a filter matches a topic (section 4.7 of MQTT 3.1.1). A shared subscription,
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
