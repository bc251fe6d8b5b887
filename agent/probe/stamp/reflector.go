package stamp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

// Bounds of what a Reflector remembers and says, for each peer.
const (
	maxSessions   = 2048
	maxChallenges = 512 // answers in a second to senders that it does not know
	replayWindow  = 64  // packets that may overtake each other
)

// Peer is a node whose test packets are answered, and by which key.
type Peer struct {
	Node string
	Addr netip.Addr // where its packets come from and answers go to
	Key  []byte     // of the pair
}

// Counters count packets at a Reflector.
type Counters struct {
	Answered   uint64
	Challenged uint64 // answered with a token, and not counted
	Refused    uint64 // not authentic, of nobody known, or asking for too much
	Replayed   uint64 // authentic, and seen before or too old to tell
}

// Reflector is a stateful Session-Reflector, RFC 8762 section 4.3. It is for
// one goroutine at a time.
type Reflector struct {
	self     string
	mac      *Sealer // of tokens, with a key of its own
	peers    map[netip.Addr]*peer
	Counters Counters
	random   func([]byte)
}

type peer struct {
	Peer
	tests, replies *Sealer
	sessions       map[uint16]*session // by SSID
	challenges     int
	second         time.Duration // that challenges are of
	space          []netip.Addr
}

// session is what RFC 8762 section 4.3 keeps of one sender.
type session struct {
	life, token uint64
	next        uint32 // sequence number of the next answer
	highest     uint32 // of the sender's
	seen        uint64 // bit i: highest-i came
	used        time.Duration
}

// NewReflector makes one of a node. Random fills a slice with what nobody can
// guess.
func NewReflector(self string, random func([]byte)) *Reflector {
	r := &Reflector{self: self, peers: map[netip.Addr]*peer{}, random: random}
	r.rekey()
	return r
}

// rekey makes tokens that were given and not used yet worthless.
func (r *Reflector) rekey() {
	key := make([]byte, sha256.Size)
	r.random(key)
	r.mac = NewSealer(key)
}

// SetPeers makes these the ones that are answered. Sessions of those whose
// address and key are as before go on.
func (r *Reflector) SetPeers(peers []Peer) {
	old := r.peers
	r.peers = make(map[netip.Addr]*peer, len(peers))
	for _, p := range peers {
		if o := old[p.Addr]; o != nil && o.Node == p.Node && hmac.Equal(o.Key, p.Key) {
			r.peers[p.Addr] = o
			continue
		}
		p.Key = slices.Clone(p.Key)
		r.peers[p.Addr] = &peer{
			Peer: p, sessions: map[uint16]*session{},
			tests: Derive(p.Key, Tests, p.Node, r.self), replies: Derive(p.Key, Replies, p.Node, r.self),
		}
	}
}

// Answer is what is to be sent: Reply, when its Sent and Clock are filled in,
// sealed by Seal, to To by the SIDs of Reply.Return. It is valid until the next
// Reflect.
type Answer struct {
	Reply Reply
	To    netip.Addr
	seal  *Sealer
}

// Seal writes the answer into the Size(len(Return)) bytes of b.
func (a *Answer) Seal(b []byte) { a.seal.SealReply(b, a.Reply) }

// Reflect decides on a packet that came from an address at received, of clock
// error as the caller knows it; now is any monotonic time.
func (r *Reflector) Reflect(b []byte, from netip.Addr, received NTP, now time.Duration) (a Answer, ok bool) {
	p := r.peers[from]
	if p == nil {
		r.Counters.Refused++
		return Answer{}, false
	}
	t, ok := p.tests.OpenTest(b, p.space)
	if !ok || len(t.Return) == 0 {
		r.Counters.Refused++
		return Answer{}, false
	}
	p.space = t.Return
	a = Answer{To: p.Addr, seal: p.replies}
	a.Reply = Reply{Test: t, Received: received, Answers: t.Sequence, AnswersSent: t.Sent, AnswersOf: t.Clock}
	a.Reply.Sequence = 0
	s := p.sessions[t.SSID]
	switch {
	case s != nil && s.life == t.Life && s.token == t.Token:
	case t.Token == r.token(p, t.SSID, t.Life, s):
		s = r.begin(p, t)
	default:
		if !p.mayChallenge(now) {
			r.Counters.Refused++
			return Answer{}, false
		}
		r.Counters.Challenged++
		a.Reply.Token = r.token(p, t.SSID, t.Life, s)
		return a, true
	}
	s.used = now
	if !s.fresh(t.Sequence) {
		r.Counters.Replayed++
		return Answer{}, false
	}
	a.Reply.Sequence = s.next
	s.next++
	r.Counters.Answered++
	return a, true
}

// token is what a sender must repeat to take the place of the session s, which
// is nil where there is none.
func (r *Reflector) token(p *peer, ssid uint16, life uint64, s *session) uint64 {
	var b [8 + 2 + 8]byte
	binary.BigEndian.PutUint64(b[:], life)
	binary.BigEndian.PutUint16(b[8:], ssid)
	if s != nil {
		binary.BigEndian.PutUint64(b[10:], s.token)
	}
	return binary.BigEndian.Uint64(r.mac.tag(b[:], []byte(p.Node))) | 1 // 0: none
}

// begin opens a session. Its sequence numbers begin where the sender is.
func (r *Reflector) begin(p *peer, t Test) *session {
	if p.sessions[t.SSID] == nil && len(p.sessions) >= maxSessions {
		var oldest uint16
		first := true
		for ssid, s := range p.sessions {
			if first || s.used < p.sessions[oldest].used {
				oldest, first = ssid, false
			}
		}
		delete(p.sessions, oldest)
		r.rekey() // else what began the session that is forgotten would begin it again
	}
	s := &session{life: t.Life, token: t.Token, highest: t.Sequence - 1}
	p.sessions[t.SSID] = s
	return s
}

// fresh says whether no packet with the number was answered, as far back as is
// remembered (the window of RFC 4303 section 3.4.3).
func (s *session) fresh(sequence uint32) bool {
	switch ahead := int32(sequence - s.highest); {
	case ahead > 0:
		s.seen = s.seen<<min(uint(ahead), replayWindow) | 1
		s.highest = sequence
		return true
	case ahead <= -replayWindow:
		return false
	default:
		bit := uint64(1) << uint(-ahead)
		fresh := s.seen&bit == 0
		s.seen |= bit
		return fresh
	}
}

func (p *peer) mayChallenge(now time.Duration) bool {
	if second := now.Truncate(time.Second); second != p.second {
		p.second, p.challenges = second, 0
	}
	p.challenges++
	return p.challenges <= maxChallenges
}
