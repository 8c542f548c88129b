package pmqtt

// Properties are the properties of a packet of MQTT 5 (section 2.2.2). A nil pointer, a nil slice and an empty string
// stand for a property that is not there. Which packet can have which property is said in MQTT 5, table 2-4.
type Properties struct {
	// PayloadIsUTF8: the sender says that the payload is UTF-8.
	PayloadIsUTF8 bool
	// MessageExpiry is the time for which the message is of use, in seconds.
	MessageExpiry *uint32
	// ContentType says what the payload is, for example as a MIME type.
	ContentType string
	// ResponseTopic is the topic for the answer to a request.
	ResponseTopic string
	// CorrelationData is data that the answer to a request must have too. It may be empty.
	CorrelationData []byte
	// SubscriptionIDs are the identifiers of the subscriptions that match the message.
	SubscriptionIDs []uint32
	// SessionExpiry is the time for which the session outlives its connection, in seconds.
	SessionExpiry *uint32
	// AssignedClientID is the client identifier that the broker chose.
	AssignedClientID string
	// ServerKeepAlive is the keep alive interval that the broker demands, in seconds.
	ServerKeepAlive *uint16
	// AuthMethod is the method of an authentication.
	AuthMethod string
	// AuthData is the data of an authentication. It may be empty.
	AuthData []byte
	// RequestProblemInfo: whether the broker may send reason strings and user properties with failures.
	RequestProblemInfo *bool
	// WillDelay is the time between the end of the connection and the will, in seconds.
	WillDelay *uint32
	// RequestResponseInfo: whether the client asks for ResponseInfo.
	RequestResponseInfo *bool
	// ResponseInfo is what the broker suggests for response topics.
	ResponseInfo string
	// ServerReference is the broker to use instead.
	ServerReference string
	// ReasonString explains a reason code.
	ReasonString string
	// ReceiveMaximum is how many messages of QoS 1 and 2 may be on their way at the same time; not 0.
	ReceiveMaximum *uint16
	// TopicAliasMaximum is the highest topic alias that the sender accepts.
	TopicAliasMaximum *uint16
	// TopicAlias stands for a topic; not 0.
	TopicAlias *uint16
	// MaximumQoS is the highest QoS that the broker accepts: 0 or 1.
	MaximumQoS *QoS
	// RetainAvailable: whether the broker has retained messages.
	RetainAvailable *bool
	// UserProperties are names and values that the standard does not define, in their order.
	UserProperties []UserProperty
	// MaximumPacketSize is the largest packet that the sender accepts, in bytes; not 0.
	MaximumPacketSize *uint32
	// WildcardAvailable: whether the broker accepts wildcards in filters.
	WildcardAvailable *bool
	// SubscriptionIDsAvailable: whether the broker accepts subscription identifiers.
	SubscriptionIDsAvailable *bool
	// SharedAvailable: whether the broker has shared subscriptions.
	SharedAvailable *bool
}

// A UserProperty is a name and a value. Several can have the same name.
type UserProperty struct {
	Name, Value string
}

// User returns the value of the first user property with a name.
func (p *Properties) User(name string) (string, bool) {
	if p != nil {
		for _, user := range p.UserProperties {
			if user.Name == name {
				return user.Value, true
			}
		}
	}
	return "", false
}

const (
	responseTopic = 0x08
	lastProperty  = 0x2a
)

// field returns the name and the address of the field of a property. Its type decides how the property is encoded. The
// address is nil if no property has the identifier.
func (p *Properties) field(id byte) (string, any) {
	switch id {
	case 0x01:
		return "PayloadIsUTF8", &p.PayloadIsUTF8
	case 0x02:
		return "MessageExpiry", &p.MessageExpiry
	case 0x03:
		return "ContentType", &p.ContentType
	case responseTopic:
		return "ResponseTopic", &p.ResponseTopic
	case 0x09:
		return "CorrelationData", &p.CorrelationData
	case 0x0b:
		return "SubscriptionIDs", &p.SubscriptionIDs
	case 0x11:
		return "SessionExpiry", &p.SessionExpiry
	case 0x12:
		return "AssignedClientID", &p.AssignedClientID
	case 0x13:
		return "ServerKeepAlive", &p.ServerKeepAlive
	case 0x15:
		return "AuthMethod", &p.AuthMethod
	case 0x16:
		return "AuthData", &p.AuthData
	case 0x17:
		return "RequestProblemInfo", &p.RequestProblemInfo
	case 0x18:
		return "WillDelay", &p.WillDelay
	case 0x19:
		return "RequestResponseInfo", &p.RequestResponseInfo
	case 0x1a:
		return "ResponseInfo", &p.ResponseInfo
	case 0x1c:
		return "ServerReference", &p.ServerReference
	case 0x1f:
		return "ReasonString", &p.ReasonString
	case 0x21:
		return "ReceiveMaximum", &p.ReceiveMaximum
	case 0x22:
		return "TopicAliasMaximum", &p.TopicAliasMaximum
	case 0x23:
		return "TopicAlias", &p.TopicAlias
	case 0x24:
		return "MaximumQoS", &p.MaximumQoS
	case 0x25:
		return "RetainAvailable", &p.RetainAvailable
	case 0x26:
		return "UserProperties", &p.UserProperties
	case 0x27:
		return "MaximumPacketSize", &p.MaximumPacketSize
	case 0x28:
		return "WildcardAvailable", &p.WildcardAvailable
	case 0x29:
		return "SubscriptionIDsAvailable", &p.SubscriptionIDsAvailable
	case lastProperty:
		return "SharedAvailable", &p.SharedAvailable
	}
	return "", nil
}
