package pmqtt

// #include <stdlib.h>
// #include "bridge.h"
import "C"

import (
	"math"
	"time"
	"unsafe"
)

// CleanStart selects on which connections the broker discards the session of earlier connections.
type CleanStart int

const (
	CleanStartDefault CleanStart = C.PMQTT_CLEAN_START_DEFAULT // each connection without Options.Durable, or else none
	CleanStartAlways  CleanStart = C.PMQTT_CLEAN_START_ALWAYS  // each connection
	CleanStartFirst   CleanStart = C.PMQTT_CLEAN_START_FIRST   // each connection until the broker has accepted one
	CleanStartNever   CleanStart = C.PMQTT_CLEAN_START_NEVER   // no connection
)

// Forever is a session expiry: the broker keeps the session without limit. It is 136 years.
const Forever = math.MaxUint32 * time.Second

// asks tells whether an option needs pmqtt_connect_options_set.
func (o *Options) asks() bool {
	return o.CleanStart != CleanStartDefault || o.SessionExpiry != 0 || o.ReceiveMaximum != 0 ||
		o.TopicAliasSend != 0 || o.TopicAliasReceive != 0 || o.RequestResponseInfo || o.NoProblemInfo ||
		o.ClientIDByBroker || len(o.UserProperties) > 0
}

func (c *Client) applyConnectOptions(o *Options) C.int {
	var options C.pmqtt_connect_options
	options.struct_size = C.size_t(unsafe.Sizeof(options))
	options.clean_start = toC(int(o.CleanStart))
	options.session_expiry_s = seconds32(o.SessionExpiry)
	options.receive_maximum = toC(o.ReceiveMaximum)
	options.topic_alias_send = toC(o.TopicAliasSend)
	options.topic_alias_receive = toC(o.TopicAliasReceive)
	options.request_response_information = C.bool(o.RequestResponseInfo)
	options.no_problem_information = C.bool(o.NoProblemInfo)
	options.client_id_by_broker = C.bool(o.ClientIDByBroker)
	if count := len(o.UserProperties); count > 0 {
		array := C.calloc(C.size_t(count), C.size_t(unsafe.Sizeof(C.pmqtt_pair{})))
		defer C.free(array)
		pairs := unsafe.Slice((*C.pmqtt_pair)(array), count)
		for i, user := range o.UserProperties {
			pairs[i].name, pairs[i].value = C.CString(user.Name), C.CString(user.Value)
			defer freeAll(pairs[i].name, pairs[i].value)
		}
		options.user_properties, options.user_property_count = &pairs[0], C.size_t(count)
	}
	return C.pmqtt_connect_options_set(c.bridge.client, &options)
}

const defaultConnectTimeout = 10 * time.Second

func (o *Options) connectTimeout() time.Duration {
	if o.ConnectTimeout == 0 {
		return defaultConnectTimeout
	}
	return o.ConnectTimeout
}

func (c *Client) applyWill(o *Options) error {
	bytes, head, err := o.Will.head(nil)
	if err != nil {
		return err
	}
	return c.lastError(C.bridge_will(c.bridge, head, first(bytes), first(o.Will.Payload), seconds32(o.WillDelay)))
}
