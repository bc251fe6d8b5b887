package rotate

import "time"

// Event is something that happened: one of the types below.
type Event interface{ event() }

// Tick says that time has passed. See Machine.Wake.
type Tick struct{}

// Message came from the peer, or from somebody who says so.
type Message struct{ Data []byte }

// Persisted answers the last Persist: its State is on disk, synced.
type Persisted struct{}

// PersistFailed answers the last Persist: its State may be on disk, or not.
type PersistFailed struct{ Err string }

// Installed answers an Install: WireGuard holds the key.
type Installed struct {
	Lane  Lane
	Epoch uint64
}

// InstallFailed answers an Install: WireGuard may hold the key, or not.
type InstallFailed struct {
	Lane  Lane
	Epoch uint64
	Err   string
}

// Handshake is when WireGuard finished the lane's last one.
type Handshake struct {
	Lane Lane
	At   time.Time
}

// KeyLost says that a lane's device was made anew and holds no key.
type KeyLost struct{ Lane Lane }

// Configured carries all lanes of the pair. One that is missing is gone.
type Configured struct{ Lanes []LaneSpec }

// QKDKey answers a NeedQKD. The machine owns the key from now on.
type QKDKey struct {
	Lane Lane
	ID   string
	Key  Secret
}

// QKDFailed answers a NeedQKD: there is no key, or nobody knows.
type QKDFailed struct{ Lane Lane }

// RotateNow asks for a new epoch, at a time within Within that the seed
// chooses, so that many pairs do not start at once.
type RotateNow struct {
	Within time.Duration
	// Compromised: every key there is now is known to others.
	Compromised bool
}

func (Tick) event()          {}
func (Message) event()       {}
func (Persisted) event()     {}
func (PersistFailed) event() {}
func (Installed) event()     {}
func (InstallFailed) event() {}
func (Handshake) event()     {}
func (KeyLost) event()       {}
func (Configured) event()    {}
func (QKDKey) event()        {}
func (QKDFailed) event()     {}
func (RotateNow) event()     {}

// Effect is something to be done: one of the types below. Those of one Step
// and of the next are carried out in their order.
type Effect interface{ effect() }

// Send hands a message to the peer. It may be lost.
type Send struct{ Data []byte }

// Persist writes the State and syncs it. At most one is under way; Persisted
// or PersistFailed follows.
type Persist struct{ State State }

// Install gives WireGuard a lane's key. Installed or InstallFailed follows;
// if not, the same Install comes again.
type Install struct {
	Lane  Lane
	Epoch uint64
	Key   Secret
}

// AskHandshake asks WireGuard for a handshake now, if that can be had.
type AskHandshake struct{ Lane Lane }

// NeedQKD asks a KME for a key: a new one, or with an ID the one that the peer
// was given. QKDKey or QKDFailed follows.
type NeedQKD struct {
	Lane Lane
	ID   string
}

// Erase overwrites a lane's key of an epoch.
type Erase struct {
	Lane  Lane
	Epoch uint64
	Key   Secret
}

// Open lets the lane carry traffic.
type Open struct{ Lane Lane }

// Drain moves traffic off the lane while it still carries: it is going to be
// closed.
type Drain struct {
	Lane   Lane
	Reason string
}

// Close silences the lane: route and peer are removed, and with the peer all
// its sessions.
type Close struct {
	Lane   Lane
	Reason string
}

// Raise tells an alarm, firing or resolved.
type Raise struct{ Alarm Alarm }

func (Send) effect()         {}
func (Persist) effect()      {}
func (Install) effect()      {}
func (AskHandshake) effect() {}
func (NeedQKD) effect()      {}
func (Erase) effect()        {}
func (Open) effect()         {}
func (Drain) effect()        {}
func (Close) effect()        {}
func (Raise) effect()        {}

// Alarm is something an operator must know. Name and Lane are its identity.
type Alarm struct {
	Name    string
	Lane    Lane // without an index where it is about an intent, empty where about the pair
	Firing  bool
	Message string
}

// Names of alarms. Stable: operators' rules match them.
const (
	FloorViolated = "FloorViolated" // a lane is closed: its key does not reach the floor
	FloorRefused  = "FloorRefused"  // a configuration asks for less than the floor
	KeyStale      = "KeyStale"      // a lane has missed rotations
	DiskFailed    = "DiskFailed"    // the state cannot be written
	InstallError  = "InstallError"  // WireGuard did not take a key
)

// Counts of what came in and was not acted on, by kind, and of what was done.
type Counts struct {
	Malformed  uint64 // cannot be read
	Foreign    uint64 // not of this pair
	Reflected  uint64 // this end's own kind of message
	WrongEpoch uint64 // of an epoch that is over
	Unknown    uint64 // of an exchange that this end does not know (any more)
	Forged     uint64 // does not verify
	Busy       uint64 // an Init too many
	Duplicate  uint64 // seen before; answered again where it was a question

	Started   uint64 // attempts
	Abandoned uint64 // attempts without an end
	Committed uint64 // epochs
	Resent    uint64 // messages
}
