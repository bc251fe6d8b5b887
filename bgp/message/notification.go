package message

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Code is an error code of a NOTIFICATION.
type Code uint8

// The error codes of RFC 4271 section 4.5, RFC 7313 and RFC 9687.
const (
	MessageHeaderError Code = 1
	OpenError          Code = 2
	UpdateError        Code = 3
	HoldTimerExpired   Code = 4
	FSMError           Code = 5
	Cease              Code = 6
	RouteRefreshError  Code = 7
	SendHoldExpired    Code = 8
)

// Subcodes of MessageHeaderError.
const (
	ConnectionNotSynchronized = 1
	BadMessageLength          = 2
	BadMessageType            = 3
)

// Subcodes of OpenError; RFC 5492 section 5 has the last.
const (
	UnsupportedVersion       = 1
	BadPeerAS                = 2
	BadBGPIdentifier         = 3
	UnsupportedOptionalParam = 4
	UnacceptableHoldTime     = 6
	UnsupportedCapability    = 7
)

// Subcodes of UpdateError.
const (
	MalformedAttributeList = 1
	UnrecognizedWellKnown  = 2
	MissingWellKnown       = 3
	AttributeFlagsError    = 4
	AttributeLengthError   = 5
	InvalidOrigin          = 6
	InvalidNextHop         = 8
	OptionalAttributeError = 9
	InvalidNetworkField    = 10
	MalformedASPath        = 11
)

const (
	unspecificSubcode = 0
	// maxShutdownCommunication is what speakers of RFC 8203, the older one, take.
	maxShutdownCommunication = 128
)

// Subcodes of FSMError, by the state in which the message was unexpected (RFC
// 6608).
const (
	UnexpectedInOpenSent    = 1
	UnexpectedInOpenConfirm = 2
	UnexpectedInEstablished = 3
)

// Subcodes of Cease (RFC 4486, RFC 8538, RFC 9384).
const (
	MaximumPrefixes         = 1
	AdministrativeShutdown  = 2
	PeerDeconfigured        = 3
	AdministrativeReset     = 4
	ConnectionRejected      = 5
	OtherConfigurationEvent = 6
	CollisionResolution     = 7
	OutOfResources          = 8
	HardReset               = 9
)

var codeWords = map[Code]string{
	MessageHeaderError: "Message Header Error", OpenError: "OPEN Message Error", UpdateError: "UPDATE Message Error",
	HoldTimerExpired: "Hold Timer Expired", FSMError: "Finite State Machine Error", Cease: "Cease",
	RouteRefreshError: "ROUTE-REFRESH Message Error", SendHoldExpired: "Send Hold Timer Expired",
}

var subcodeWords = map[Code]map[uint8]string{
	MessageHeaderError: {ConnectionNotSynchronized: "Connection Not Synchronized", BadMessageLength: "Bad Message Length", BadMessageType: "Bad Message Type"},
	OpenError: {UnsupportedVersion: "Unsupported Version Number", BadPeerAS: "Bad Peer AS", BadBGPIdentifier: "Bad BGP Identifier",
		UnsupportedOptionalParam: "Unsupported Optional Parameter", UnacceptableHoldTime: "Unacceptable Hold Time", UnsupportedCapability: "Unsupported Capability",
		8: "Role Mismatch"},
	UpdateError: {MalformedAttributeList: "Malformed Attribute List", UnrecognizedWellKnown: "Unrecognized Well-known Attribute",
		MissingWellKnown: "Missing Well-known Attribute", AttributeFlagsError: "Attribute Flags Error", AttributeLengthError: "Attribute Length Error",
		InvalidOrigin: "Invalid ORIGIN Attribute", InvalidNextHop: "Invalid NEXT_HOP Attribute", OptionalAttributeError: "Optional Attribute Error",
		InvalidNetworkField: "Invalid Network Field", MalformedASPath: "Malformed AS_PATH"},
	FSMError: {UnexpectedInOpenSent: "Unexpected Message in OpenSent State", UnexpectedInOpenConfirm: "Unexpected Message in OpenConfirm State",
		UnexpectedInEstablished: "Unexpected Message in Established State"},
	Cease: {MaximumPrefixes: "Maximum Number of Prefixes Reached", AdministrativeShutdown: "Administrative Shutdown", PeerDeconfigured: "Peer De-configured",
		AdministrativeReset: "Administrative Reset", ConnectionRejected: "Connection Rejected", OtherConfigurationEvent: "Other Configuration Change",
		CollisionResolution: "Connection Collision Resolution", OutOfResources: "Out of Resources", HardReset: "Hard Reset", 10: "BFD Down"},
}

// Notification is a NOTIFICATION message. As an error it says that the session
// must end with it.
type Notification struct {
	Code    Code
	Subcode uint8
	Data    []byte
}

func notify(c Code, subcode uint8, data []byte) *Notification {
	return &Notification{Code: c, Subcode: subcode, Data: data}
}

// NewCease returns a Cease. Where the subcode may carry a shutdown
// communication (RFC 9003), it carries why, cut to what fits.
func NewCease(subcode uint8, why string) *Notification {
	n := notify(Cease, subcode, nil)
	if n.speaks() && why != "" {
		why = strings.ToValidUTF8(why, "?")
		for len(why) > maxShutdownCommunication {
			_, last := utf8.DecodeLastRuneInString(why)
			why = why[:len(why)-last]
		}
		n.Data = append([]byte{byte(len(why))}, why...)
	}
	return n
}

func (n *Notification) speaks() bool {
	return n.Code == Cease && (n.Subcode == AdministrativeShutdown || n.Subcode == AdministrativeReset)
}

// Communication is the shutdown communication of the peer's operator (RFC
// 9003), empty for none. It has no character that a terminal would obey.
func (n *Notification) Communication() string {
	if !n.speaks() || len(n.Data) == 0 || int(n.Data[0]) > len(n.Data)-1 {
		return ""
	}
	text := strings.ToValidUTF8(string(n.Data[1:1+int(n.Data[0])]), "?")
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

// Error is the NOTIFICATION in the words of the RFCs. Of its data only a
// shutdown communication is told, quoted.
func (n *Notification) Error() string {
	text := codeWords[n.Code]
	if text == "" {
		text = fmt.Sprintf("error code %d", n.Code)
	}
	switch words := subcodeWords[n.Code][n.Subcode]; {
	case words != "":
		text += "/" + words
	case n.Subcode != unspecificSubcode:
		text += fmt.Sprintf("/subcode %d", n.Subcode)
	}
	if said := n.Communication(); said != "" {
		text += ": " + strconv.Quote(said)
	}
	return text
}

// AppendNotification appends a NOTIFICATION. Data that does not fit is cut.
func AppendNotification(b []byte, n *Notification) []byte {
	return frame(b, NotificationType, func(b []byte) []byte {
		b = append(b, byte(n.Code), n.Subcode)
		return append(b, n.Data[:min(len(n.Data), MaxLen-HeaderLen-2)]...)
	})
}

// ParseNotification reads the body of a NOTIFICATION. One that is too short is
// no reason to send one in turn (RFC 4271 section 6.4).
func ParseNotification(body []byte) *Notification {
	r := reader{b: body}
	n := &Notification{Code: Code(r.u8()), Subcode: r.u8()}
	n.Data = r.b
	return n
}
