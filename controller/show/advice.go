package show

import (
	"fmt"
	"strings"
	"time"

	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/bgp/fsm"
	"github.com/keiro-net/keiro/bgp/message"
)

// remedies are what to look at for the errors that an operator meets, the first
// that fits. An error is told by the words that package bgp and its fsm have for
// it, or by the NOTIFICATION that the peer sent.
var remedies = []struct {
	of   []string
	what string
}{
	{words(message.OpenError, message.BadPeerAS, "the peer says that its AS is"),
		"One end has the wrong AS: `as` of the peer in the BGP file must be the router's own AS, and the router's `remote-as` for this address must be `as` of the file's spec."},
	{words(message.OpenError, message.BadBGPIdentifier, "has the BGP Identifier"),
		"Two speakers have one BGP Identifier: `routerID` of the BGP file must be nobody else's."},
	{words(message.OpenError, message.UnacceptableHoldTime, "wants a hold time of"),
		"The hold times do not fit: `holdTime` of the peer and the router's must both be 3s or more, and the router may ask for more."},
	{words(message.OpenError, message.UnsupportedCapability, "has none of the address families"),
		"The ends have no address family in common: compare `families` of the peer with those that the router has activated for this neighbor (for BGP-LS: link-state, AFI 16388 SAFI 71)."},
	{[]string{"no four-octet AS numbers"},
		"The router does not offer four-octet AS numbers (RFC 6793), without which Keiro holds no session: it must not suppress that capability for this neighbor."},
	{words(message.SendHoldExpired, 0, "send hold timer expired"),
		"The router has stopped reading: look at its BGP process and its load."},
	{words(message.HoldTimerExpired, 0, "hold timer expired"),
		"Nothing came for the whole hold time though the connection stood: look for loss on the way, a router that is too busy, and a path MTU " +
			"that large UPDATEs do not fit through while KEEPALIVEs do (try `ping -M do -s 1400` to the peer)."},
	{[]string{"no OPEN came within"},
		"The router takes the connection and says nothing: its BGP waits for something, or something else listens on that port."},
	{words(message.Cease, message.MaximumPrefixes, ""),
		"The router has a limit on what it takes from this neighbor: raise it there, or have fewer policies end at it."},
	{words(message.Cease, message.AdministrativeShutdown, ""), "The router's operator has shut this neighbor down there."},
	{words(message.Cease, message.AdministrativeReset, ""), "The router's operator has reset the session: it should come back by itself."},
	{words(message.Cease, message.PeerDeconfigured, ""), "The router does not have this neighbor any more: configure it there, or take the peer out of the BGP file."},
	{words(message.Cease, message.ConnectionRejected, ""),
		"The router refuses connections from here: does it have a neighbor with this controller's address? Which that is, `localAddress` of the peer says, or else the kernel's routes."},
	{[]string{"the peer floods", "the peer has more than", "the peer sends rubbish"},
		"The peer went beyond its `limits` in the BGP file and was cut off. If what it sends is right, raise the limit; else correct the router. The time in Idle doubles each time."},
	{[]string{"the routes of"},
		"An UPDATE could not be read so far that the routes in it are known (RFC 7606): the router, or what it passes on, is wrong. Last fault says in what."},
	{[]string{"connection refused"},
		"The machine answers and nothing listens on that port: BGP does not run there, listens on another address or port, or does not know this neighbor."},
	{[]string{"no route to host", "network is unreachable"}, "This machine has no route to the peer: look at `ip route get` for its address."},
	{[]string{"cannot assign requested address"}, "`localAddress` of the peer is no address of this machine."},
	{[]string{"closed the connection", "connection reset", "connection failed"},
		"The router ended the connection without a word: often it knows no neighbor with the address that this controller connects from (`localAddress`), or its BGP was restarted."},
}

// words are what an error is told by: ours, and that of the NOTIFICATION that a
// peer sends for it.
func words(code message.Code, subcode uint8, ours string) []string {
	out := []string{"the peer sent NOTIFICATION " + (&message.Notification{Code: code, Subcode: subcode}).Error()}
	if ours != "" {
		out = append(out, ours)
	}
	return out
}

// advice is what to look at. An error of the past is none, if the session stands.
func advice(s *bgp.State) []string {
	out := []string{}
	add := func(yes bool, format string, args ...any) {
		if yes {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	if s.State != fsm.Established {
		out = append(out, down(s)...)
	}
	add(!s.StaleUntil.IsZero(), "What it said is stale, not gone: it counts until %s, or until the peer is back and has said all.", clock(s.StaleUntil))
	add(len(s.Disabled) > 0, "Of %s nothing is read any more in this session (RFC 7606): correct what Last fault says, then reset the session at the router.",
		strings.Join(families(s.Disabled), ", "))
	add(s.NotSaid != "", "A route could not be said to it: %s.", strings.TrimSuffix(s.NotSaid, "."))
	return out
}

// down says why there may be no session.
func down(s *bgp.State) (out []string) {
	switch what := remedy(s.LastError); {
	case what != "":
		out = append(out, what)
	case strings.Contains(s.LastError, "timeout") || strings.Contains(s.LastError, "timed out"):
		out = append(out, silent(s))
	case s.LastError == "" && s.Passive:
		out = append(out, "The peer is `passive`, so the router must connect to an address of `listen`: does it have this controller as its neighbor? "+silent(s))
	}
	if !s.IdleUntil.IsZero() {
		out = append(out, fmt.Sprintf("It is held in Idle until %s; a router that connects before then is refused.", clock(s.IdleUntil)))
	}
	return out
}

func remedy(lastError string) string {
	for _, r := range remedies {
		for _, text := range r.of {
			if strings.Contains(lastError, text) {
				return r.what
			}
		}
	}
	return ""
}

// silent is about packets that vanish. What fails TCP MD5 or GTSM does so without
// a trace: no end is told.
func silent(s *bgp.State) string {
	out := "Where nothing answers, a filter or a wrong address may be the reason (TCP port 179, both ways)."
	if strings.Contains(s.Security, "MD5") {
		out += " A TCP MD5 password that is not the same at both ends looks exactly like that, and so does one at one end only: " +
			"compare it with `passwordFile`; `nstat -az TcpExtTCPMD5Failure TcpExtTCPMD5NotFound TcpExtTCPMD5Unexpected` counts here what was dropped."
	} else {
		out += " A router that wants a TCP MD5 password looks like that, too: none is configured here (`passwordFile`)."
	}
	if strings.Contains(s.Security, "GTSM") {
		out += " TTL security looks like that as well: the router must send with TTL 255 (GTSM at its end, too) and be no more hops away than `ttlSecurity` says."
	}
	return out
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }
