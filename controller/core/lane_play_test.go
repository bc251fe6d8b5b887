package core

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// fakeKeys is what a fake agent says of its lanes.
type fakeKeys struct {
	lanes  map[string]nodecfg.LaneState
	alarms []nodecfg.KeyAlarm
	stores map[string]nodecfg.KeyStore
	floors map[string]nodecfg.FloorState
}

// report adds it to a report.
func (k *fakeKeys) report(r *nodecfg.Report) {
	if k == nil {
		return
	}
	r.Keying = &nodecfg.Keying{Alarms: k.alarms, Counts: nodecfg.KeyCounts{Committed: 1}}
	for _, name := range slices.Sorted(maps.Keys(k.lanes)) {
		r.Lanes = append(r.Lanes, k.lanes[name])
	}
	for _, peer := range slices.Sorted(maps.Keys(k.stores)) {
		r.Keying.Stores = append(r.Keying.Stores, k.stores[peer])
	}
	for _, intent := range slices.Sorted(maps.Keys(k.floors)) {
		r.Floors = append(r.Floors, k.floors[intent])
	}
}

func (s *stage) keys(node string) *fakeKeys {
	a := s.agent(node)
	if a.keys == nil {
		a.keys = &fakeKeys{
			lanes: map[string]nodecfg.LaneState{}, stores: map[string]nodecfg.KeyStore{}, floors: map[string]nodecfg.FloorState{},
		}
	}
	return a.keys
}

// doKeys are the commands of plays about lanes:
//
//	lane NODE PEER LANE open|draining|closed|gone [EPOCH [LEVEL]] [: REASON]
//	keyalarm NODE NAME PEER LANE on|off [: MESSAGE]
//	store NODE PEER enough|low|none|unknown|forgotten [KEYS] [: REASON]
//	floor NODE INTENT LEVEL fenced|refused|holds|gone [: REASON]
//	lanes
//
// Where a node is named, its agent reports afterwards.
func (s *stage) doKeys(args []string) []string {
	said := ""
	if colon := slices.Index(args, ":"); colon >= 0 {
		args, said = args[:colon], strings.Join(args[colon+1:], " ")
	}
	if args[0] == "lanes" {
		return s.lanes()
	}
	k := s.keys(args[1])
	switch args[0] {
	case "lane":
		if args[4] == "gone" {
			delete(k.lanes, args[3])
			break
		}
		l := nodecfg.LaneState{Name: args[3], Peer: args[2], Open: args[4] != "closed", Draining: args[4] == "draining", Reason: said}
		if len(args) > 5 {
			l.Epoch, l.Level, l.Keyed = uint64(s.number(args[5])), "pq", s.now
		}
		if len(args) > 6 {
			l.Level = args[6]
		}
		k.lanes[l.Name] = l
	case "keyalarm":
		a := nodecfg.KeyAlarm{Name: args[2], Peer: strings.TrimPrefix(args[3], "-"), Lane: strings.TrimPrefix(args[4], "-"), Message: said} // -: of none
		k.alarms = slices.DeleteFunc(slices.Clone(k.alarms), func(b nodecfg.KeyAlarm) bool { return b.Name == a.Name && b.Lane == a.Lane })
		if args[5] == "on" {
			k.alarms = append(k.alarms, a)
		}
	case "store":
		st := nodecfg.KeyStore{Peer: args[2], State: args[3], Known: args[3] != "unknown", Reason: said}
		if !st.Known {
			st.State = "none"
		}
		if len(args) > 4 {
			st.Keys = s.number(args[4])
			st.Lasts = int64(st.Keys) * time.Second.Microseconds()
		}
		if k.stores[args[2]] = st; args[3] == "forgotten" { // it has begun anew, and not asked yet
			delete(k.stores, args[2])
		}
	case "floor":
		k.floors[args[2]] = nodecfg.FloorState{Intent: args[2], Level: args[3], Fenced: args[4] == "fenced", Reason: said}
		if args[4] == "gone" {
			delete(k.floors, args[2])
		}
	default:
		s.t.Fatalf("unknown command %q", args)
	}
	return s.report(args[1])
}

func (s *stage) number(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// lanes renders what the View says of them, and which alarms fire.
func (s *stage) lanes() []string {
	var out []string
	v := s.core.View(s.now)
	for _, l := range v.Lanes {
		line := fmt.Sprintf("%s %s %s serving=%v", l.Name, l.Encryption, strings.Join(l.Path.Nodes, " "), l.Serving)
		for _, end := range l.Ends {
			if e := end.State; e != nil {
				line += fmt.Sprintf("; %s: open=%v epoch %d %s", end.Node, e.Open, e.Epoch, e.Level)
			} else {
				line += fmt.Sprintf("; %s: cannot tell", end.Node)
			}
		}
		out = append(out, line)
	}
	for _, k := range v.Keying {
		out = append(out, fmt.Sprintf("keys of %s: %d alarms, %d stores, %d floors", k.Node, len(k.Keying.Alarms), len(k.Keying.Stores), len(k.Floors)))
	}
	for _, a := range v.Alarms {
		out = append(out, fmt.Sprintf("alarm %s %s %v: %s", a.Severity, a.Name, a.Intents, a.Message))
	}
	return out
}
