package api

import (
	"context"
	"time"

	"github.com/keiro-net/keiro/controller/api/feed"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/pathspec/gate"
	"github.com/keiro-net/keiro/topology"
)

// Backend is the controller as the API sees it. Reads go to the state last
// published and never wait for the controller; State and Watch are what an
// embedded *feed.Feed gives. A change is answered after the state that holds
// it was published, so that whoever changed something reads it.
//
// Errors that a caller can act upon are *resource.Error; any other is taken
// for a fault of the controller and logged. All methods may be called at the
// same time; ctx ends when the caller has gone or has waited long enough, and
// carries the caller's name (Principal).
type Backend interface {
	// State is nil until the store was read: the API is not ready before.
	State() *resource.State
	// Watch begins after the change with that id; "": with a snapshot.
	Watch(after string) *feed.Watcher

	// Apply declares all objects of the documents, or none: Invalid with a
	// detail per mistake, Stale if IfGeneration does not hold. An intent that
	// the network cannot meet is no error. Conflict while an earlier change awaits
	// its confirmation, or, with Findings, where a declared characteristic would
	// degrade or may.
	Apply(ctx context.Context, request resource.Apply) (*resource.Applied, error)
	// Diff answers what Apply would change, and changes nothing.
	Diff(ctx context.Context, documents []resource.Document) (*resource.Diff, error)
	// Changes answers what a change would do to each intent, and changes nothing.
	Changes(ctx context.Context, c resource.Changes) (*gate.Plan, error)
	// Waive takes signed waivers in, all or none: Invalid where a signature does
	// not hold or its time is over, NotFound where the intent is not declared.
	Waive(ctx context.Context, document []byte) ([]resource.Waiver, error)
	// Waivers are those in force, sorted; never nil.
	Waivers() []resource.Waiver
	// Unwaive ends one early: NotFound.
	Unwaive(ctx context.Context, intent, characteristic string) error
	// DeleteIntent takes an intent back: NotFound, or Stale where its
	// generation is not the given one; 0: any.
	DeleteIntent(ctx context.Context, name string, ifGeneration uint64) (*resource.Applied, error)
	// Pending is the change that is taken back unless it is confirmed; nil: none.
	Pending() *resource.Pending
	// Confirm keeps the change that awaits it, if its generation is the given one;
	// 0: any. NotFound where none does, Stale where another does, Conflict where
	// its time is over.
	Confirm(ctx context.Context, change uint64) (*resource.Applied, error)
	// Rollback takes it back: NotFound, Stale.
	Rollback(ctx context.Context, change uint64) (*resource.Applied, error)
	// Explain says why an intent has its answer: NotFound.
	Explain(ctx context.Context, intent string) (*resource.Explanation, error)
	// Trace sends packets down every path of an intent: NotFound, or
	// Unavailable where the headend's agent does not answer.
	Trace(ctx context.Context, intent string) (*resource.Trace, error)

	// Peers are the BGP peers as they are now. It is never nil and never waits.
	Peers() *resource.Peers
	// Learned is what routers say of the topology, as large as the network:
	// NotFound where the controller speaks no BGP.
	Learned(ctx context.Context) (*resource.Learned, error)
	// LearnedTopology is the same as a document of a name to start a file from:
	// NotFound where nothing is learned yet, Invalid for a name that is none.
	LearnedTopology(ctx context.Context, name string) (*topology.Topology, error)
	// Link is all about one link, and where each of its values comes from:
	// NotFound.
	Link(ctx context.Context, name string) (*resource.LinkDetail, error)
	// Node is all about one node: NotFound.
	Node(ctx context.Context, name string) (*resource.NodeDetail, error)

	// Rotate has the agents agree on new keys for the lanes of an intent:
	// NotFound, Conflict where it has no lanes, Unavailable where no end of
	// them can be told.
	Rotate(ctx context.Context, intent string) (*resource.Rotation, error)
	// Rekey says to both ends of every lane of a node that all keys so far are
	// known to others. The pairs renew them spread over within: NotFound,
	// Conflict where the node has no lanes, Unavailable where nobody can be
	// told.
	Rekey(ctx context.Context, node string, within time.Duration) (*resource.Rotation, error)
	// Revoke believes the agent of a node no more, until it enrols with a token
	// that is made afterwards: NotFound where none is enrolled.
	Revoke(ctx context.Context, node string) (*resource.Revocation, error)

	// Drain takes something out of use: NotFound where there is no such
	// thing. Draining it again changes the reason only.
	Drain(ctx context.Context, drain resource.Drain) (*resource.Drain, error)
	// Undrain puts it back: NotFound where it is not drained.
	Undrain(ctx context.Context, kind, name string) error

	// Events returns the events that a query picks.
	Events(ctx context.Context, query resource.EventQuery) ([]resource.Event, error)
	// Compliance is what is remembered of the characteristics of one intent, or of
	// all where it is "": NotFound.
	Compliance(ctx context.Context, intent string) ([]*resource.Compliance, error)
	// CreateToken lets the agent of a node enrol, once, until ttl has passed.
	// The node need not be in the topology yet.
	CreateToken(ctx context.Context, node string, ttl time.Duration) (*resource.Token, error)
}

// Authorizer knows the callers by their bearer tokens. It compares in
// constant time.
type Authorizer interface {
	Authorize(token string) (principal string, ok bool)
}

type principalKey struct{}

// Principal is the name of the caller that ctx belongs to; "" where there is
// none.
func Principal(ctx context.Context) string {
	name, _ := ctx.Value(principalKey{}).(string)
	return name
}
