package fsm

import (
	"time"

	"github.com/keiro-net/keiro/bgp/message"
)

// Conn is a TCP connection with the peer. The shell numbers them, from 1, and
// never uses a number twice.
type Conn uint64

// Event is something that happened: one of the types below.
type Event interface{ event() }

// Tick says that time has passed. See Machine.Wake.
type Tick struct{}

// Start allows sessions (RFC 4271 section 8.1.2, ManualStart).
type Start struct{}

// Stop ends the session and allows none (ManualStop).
type Stop struct {
	// Notification to send; nil: the peer sees the connection fail, as it does
	// when this speaker restarts, and keeps the routes (RFC 4724) if it was told to.
	Notification *message.Notification
	Reason       string
}

// Dialed answers Dial: there is a connection.
type Dialed struct {
	Attempt uint64
	Conn    Conn
}

// DialFailed answers Dial: there is none.
type DialFailed struct {
	Attempt uint64
	Reason  string
}

// Accepted is a connection that came from the peer's address.
type Accepted struct{ Conn Conn }

// Opened says that an OPEN came.
type Opened struct {
	Conn Conn
	Open message.Open
}

// Received says that another message than OPEN and NOTIFICATION came.
type Received struct {
	Conn Conn
	Type message.Type
}

// Notified says that a NOTIFICATION came.
type Notified struct {
	Conn         Conn
	Notification *message.Notification
}

// Malformed says that a message came that ends the session with a NOTIFICATION.
type Malformed struct {
	Conn         Conn
	Notification *message.Notification
	Reason       string // empty: what the NOTIFICATION says
}

// Lost says that a connection has failed, and is closed.
type Lost struct {
	Conn   Conn
	Reason string
}

// Expelled says that the peer has gone beyond its limits. It stays idle for a
// time that grows with each.
type Expelled struct {
	Conn         Conn
	Notification *message.Notification
	Reason       string
}

// EndOfRIB says that the marker of a family came (RFC 4724 section 2).
type EndOfRIB struct {
	Conn   Conn
	Family message.Family
}

func (Tick) event()       {}
func (Start) event()      {}
func (Stop) event()       {}
func (Dialed) event()     {}
func (DialFailed) event() {}
func (Accepted) event()   {}
func (Opened) event()     {}
func (Received) event()   {}
func (Notified) event()   {}
func (Malformed) event()  {}
func (Lost) event()       {}
func (Expelled) event()   {}
func (EndOfRIB) event()   {}

// Effect is something to do: one of the types below.
type Effect interface{ effect() }

// Dial asks for a connection to the peer. Its answer is Dialed or DialFailed.
type Dial struct{ Attempt uint64 }

// CancelDial takes a Dial back. An answer may come all the same.
type CancelDial struct{ Attempt uint64 }

// SendOpen asks for an OPEN to be sent.
type SendOpen struct {
	Conn Conn
	Open message.Open
}

// SendKeepalive asks for a KEEPALIVE to be sent.
type SendKeepalive struct{ Conn Conn }

// Close asks for a connection to be closed, once the NOTIFICATION, if any, is
// sent. Nothing more is wanted of it.
type Close struct {
	Conn         Conn
	Notification *message.Notification
}

// Up says that a session is established.
type Up struct{ Session Session }

// Down says that the session is over. Its connection is closed by a Close, or
// was lost.
type Down struct {
	Reason string
	// Stale are the families whose routes are kept as stale (RFC 4724 section
	// 4.2) until a Flush; those of all others are to be forgotten now.
	Stale []message.Family
	Until time.Time // when the Flush comes if the peer does not
}

// Flush says that what is still stale in these families is to be forgotten.
type Flush struct {
	Families []message.Family
	Reason   string
}

func (Dial) effect()          {}
func (CancelDial) effect()    {}
func (SendOpen) effect()      {}
func (SendKeepalive) effect() {}
func (Close) effect()         {}
func (Up) effect()            {}
func (Down) effect()          {}
func (Flush) effect()         {}
