package core

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/compile"
	"github.com/keiro-net/keiro/pathspec"
)

// pathAlarm begins the keys of alarms about what agents see of paths.
const pathAlarm = "path/"

// tellPaths raises the alarms of what agents measure, prove and sample on paths,
// and of what others change on their nodes, and resolves those that have had no
// cause for long enough. One of which nobody can tell whether it is over stays.
func (c *Core) tellPaths(now time.Time) {
	if c.spec.Topology == nil {
		return
	}
	found := map[string]Alarm{}
	add := func(a Alarm) {
		a.Key, a.DetectedAt = pathAlarm+a.Key, now
		if a.CausedAt.IsZero() || a.CausedAt.After(now) {
			a.CausedAt = now
		}
		found[a.Key] = a
	}
	seen := c.seePaths()
	c.pathsSilent(now, seen, add)
	c.pathsPoor(seen, add)
	c.pathsStray(seen, add)
	c.trafficLeaks(add)
	c.drifts(now, add)
	c.bring(now, pathAlarm, c.inherit(found), func(a Alarm) (time.Duration, bool) {
		ok := c.over(a) && !c.mayAil(a)
		if !ok {
			c.stirred(a.Key)
		}
		return c.params.WaitToRestore, ok
	})
}

// inherit gives an alarm the key of one that fires and says the same of one of
// its intents: as more is seen, another cause is suspected, and it is one
// trouble all the same.
func (c *Core) inherit(found map[string]Alarm) map[string]Alarm {
	out := map[string]Alarm{}
	for _, key := range sortedKeys(found) {
		if c.alarms[key].Firing {
			out[key] = found[key]
		}
	}
	for _, key := range sortedKeys(found) {
		if _, taken := out[key]; taken {
			continue
		}
		a := found[key]
		if a.Name == Drifted || a.Name == TrafficLeaks {
			out[key] = a // where it was seen is no suspicion
			continue
		}
		kind := key[:strings.LastIndex(key, "/")+1]
		if at := strings.Index(key, ":"); at >= 0 { // a cause may have slashes in it
			kind = key[:strings.LastIndex(key[:at], "/")+1]
		}
		for _, old := range sortedKeys(c.alarms) {
			_, taken := out[old]
			shares := slices.ContainsFunc(a.Intents, func(name string) bool { return slices.Contains(c.alarms[old].Intents, name) })
			if strings.HasPrefix(old, kind) && shares && !taken {
				a.Key = old
				break
			}
		}
		out[a.Key] = a
	}
	return out
}

// mayAil reports whether one of those who said so of a path does not know at
// present whether it still is so: it has not confirmed what it was told, or has no
// verdict. Ways are not always proven, so that none known is no doubt there.
func (c *Core) mayAil(a Alarm) bool {
	if a.Name == Drifted || a.Name == TrafficLeaks {
		return false
	}
	for _, i := range c.intents {
		if !slices.Contains(a.Intents, i.spec.Name) {
			continue
		}
		for n, p := range i.standing.Paths {
			name := compile.PathName(i.spec.Name, n)
			for _, by := range c.probers(p) {
				node := c.nodes[by]
				if !slices.Contains(a.Nodes, by) || node == nil || !node.connected || node.report == nil {
					continue
				}
				want, s := c.pathIn(node.want, i.spec.Name, name), node.paths[name]
				switch {
				case want == nil: // it takes no packets
				case !node.confirmed(), s == nil,
					s.State == nodecfg.CannotTell && !strings.HasPrefix(s.Cause, nodecfg.NotProbed),
					a.Name == DelayExceeded && want.MaxDelay > 0 && s.Delay == "",
					a.Name == PathLossy && want.MaxLossPPM > 0 && s.Loss == "":
					return true
				}
			}
		}
	}
	return false
}

// seenPath is a path that stands, and what one of its ends says of it now.
type seenPath struct {
	intent *intent
	index  int
	name   string
	path   pathspec.Path
	by     string // node
	state  *nodecfg.PathState
}

// seePaths are all paths that stand with what their ends say. Only the word of
// an end that has confirmed what it was told counts: before, its paths may be
// others.
func (c *Core) seePaths() (out []seenPath) {
	for _, i := range c.intents {
		for n, p := range i.standing.Paths {
			name := compile.PathName(i.spec.Name, n)
			for _, by := range c.probers(p) {
				node := c.nodes[by]
				if node == nil || !node.connected || node.report == nil || !node.confirmed() {
					continue
				}
				if s := node.paths[name]; s != nil {
					out = append(out, seenPath{i, n, name, p, by, s})
				}
			}
		}
	}
	return out
}

// illness gathers the paths with one complaint.
type illness struct {
	paths   map[string]pathspec.Path
	intents map[string]string   // of the paths, by name
	nodes   map[string][]string // who says so
	says    map[string][]string // what they say
	at      map[string]time.Time
}

func newIllness() *illness {
	return &illness{map[string]pathspec.Path{}, map[string]string{}, map[string][]string{}, map[string][]string{}, map[string]time.Time{}}
}

func (x *illness) add(s seenPath, says string, at time.Time) {
	x.paths[s.name], x.intents[s.name] = s.path, s.intent.spec.Name
	x.nodes[s.name] = append(x.nodes[s.name], s.by)
	x.says[s.name] = append(x.says[s.name], fmt.Sprintf("%s seen from %s: %s", s.name, s.by, says))
	if was, known := x.at[s.name]; !known || at.Before(was) {
		x.at[s.name] = at
	}
}

// alarms makes one of each cause.
func (x *illness) alarms(kind, name string, well []pathspec.Path, finish func(a *Alarm, of sick, says string)) (out []Alarm) {
	for _, s := range suspects(x.paths, well) {
		a := Alarm{Key: kind + "/" + s.cause, Name: name, Severity: "warning", Cause: s.cause}
		var says []string
		for _, path := range s.paths {
			a.Intents = append(a.Intents, x.intents[path])
			a.Nodes = append(a.Nodes, x.nodes[path]...)
			says = append(says, x.says[path]...)
			for n, text := range x.says[path] {
				a.Evidence = append(a.Evidence, Evidence{ByProbe, "node:" + x.nodes[path][n], text, x.at[path]})
			}
			if a.CausedAt.IsZero() || x.at[path].Before(a.CausedAt) {
				a.CausedAt = x.at[path]
			}
		}
		a.Intents, a.Nodes = union(a.Intents, nil), union(a.Nodes, nil)
		finish(&a, s, some(says))
		out = append(out, a)
	}
	return out
}

// pathsSilent finds paths whose probes are lost though all their links are up:
// an interface that is up says nothing of what lies behind it. News of a link
// that is down may come after that of the probes that were lost with it.
func (c *Core) pathsSilent(now time.Time, seen []seenPath, add func(Alarm)) {
	lost := newIllness()
	var well []pathspec.Path
	silent, down := map[string]bool{}, map[string]bool{}
	for _, s := range seen {
		down[s.name] = down[s.name] || s.state.State == nodecfg.Down
	}
	for _, s := range seen {
		switch {
		case s.state.State == nodecfg.Up && !down[s.name]: // at the other end too
			well = append(well, s.path)
			continue
		case s.state.State != nodecfg.Down || s.state.Cause != nodecfg.DownByProbe || c.failed(s.path):
			continue
		}
		silent[s.name] = true
		since, known := c.silent[s.name]
		if !known {
			since = now
			c.silent[s.name] = since
		}
		if due := since.Add(c.params.Gather); now.Before(due) {
			c.emit(WakeAt{due})
			continue
		}
		lost.add(s, "probes are lost", s.state.Changed)
	}
	for name := range c.silent {
		if !silent[name] {
			delete(c.silent, name)
		}
	}
	for _, a := range lost.alarms("silent", DegradedPath, well, func(a *Alarm, of sick, says string) {
		var before, after []string
		for _, name := range a.Intents {
			i := c.intent(name)
			of, left := len(i.standing.Paths), 0
			for n, p := range i.standing.Paths {
				if !silent[compile.PathName(name, n)] && !c.failed(p) {
					left++
				}
			}
			if left == 0 {
				a.Name, a.Severity = PathSetLost, "critical"
			}
			before = append(before, fmt.Sprintf("%s: %d of %d paths", name, of, of))
			after = append(after, fmt.Sprintf("%s: %d of %d paths", name, left, of))
		}
		a.Before, a.After = strings.Join(before, "; "), strings.Join(after, "; ")
		a.Message = fmt.Sprintf("probes are lost over %s, though all interfaces are up: %s. %s. %s", describe(of.cause), says, a.After, c.advise(of.cause))
	}) {
		add(a)
	}
}

// intent finds an intent that is declared.
func (c *Core) intent(name string) *intent {
	return c.intents[slices.IndexFunc(c.intents, func(i *intent) bool { return i.spec.Name == name })]
}

// describe puts a cause into words.
func describe(cause string) string {
	kind, name, _ := strings.Cut(cause, ":")
	if kind == "links" {
		return "one of links " + strings.ReplaceAll(name, ",", ", ")
	}
	return kind + " " + name
}

// advise says what an operator can do about a cause.
func (c *Core) advise(cause string) string {
	kind, name, _ := strings.Cut(cause, ":")
	switch kind {
	case "link":
		return fmt.Sprintf("`keiro drain link %s` moves paths away from it. Call %s.", name, c.owners([]string{name}))
	case "links":
		return fmt.Sprintf("Call %s.", c.owners(strings.Split(name, ",")))
	}
	intent, _, _ := strings.Cut(name, "/")
	return fmt.Sprintf("`keiro trace %s` says how far packets come.", intent)
}

// pathsPoor finds paths that take longer or lose more than is allowed.
func (c *Core) pathsPoor(seen []seenPath, add func(Alarm)) {
	slow, lossy := newIllness(), newIllness()
	var full []pathspec.Path
	for _, s := range seen {
		if s.state.Delay == nodecfg.Beyond {
			slow.add(s, takes(s.state), s.state.Changed)
		}
		switch s.state.Loss {
		case nodecfg.Beyond:
			lossy.add(s, fmt.Sprintf("loses %s on the way there, %s on the way back", percent(s.state.There), percent(s.state.Back)), s.state.Changed)
		case nodecfg.Within:
			full = append(full, s.path)
		}
	}
	// One that keeps its own bound may still cross the link that is slow.
	for _, a := range slow.alarms("delay", DelayExceeded, nil, func(a *Alarm, of sick, says string) {
		a.Before, a.After = "within maxDelay", "beyond it"
		a.Message = fmt.Sprintf("delay over %s is beyond what is declared, whatever the topology says: %s. %s", describe(of.cause), says, c.advise(of.cause))
	}) {
		add(a)
	}
	for _, a := range lossy.alarms("loss", PathLossy, full, func(a *Alarm, of sick, says string) {
		a.Before, a.After = "loss within bounds", "beyond them"
		a.Message = fmt.Sprintf("packets are lost over %s: %s. %s", describe(of.cause), says, c.advise(of.cause))
	}) {
		add(a)
	}
}

func takes(s *nodecfg.PathState) string {
	way := func(m nodecfg.Measured) string {
		if !m.Synced {
			return "unknown"
		}
		return fmt.Sprintf("%dus", m.DelayUS)
	}
	return fmt.Sprintf("%s there, %s back, %dus the round trip", way(s.There), way(s.Back), s.RTTUS)
}

func percent(m nodecfg.Measured) string {
	if m.Packets == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.2f%%", float64(m.LossPPM)/1e4)
}

// pathsStray finds paths whose packets take other links than they are to take.
// What went astray at one place is one alarm.
func (c *Core) pathsStray(seen []seenPath, add func(Alarm)) {
	places := map[string]*Alarm{}
	says := map[string][]string{}
	for _, s := range seen {
		if s.state.Way != nodecfg.Deviates {
			continue
		}
		a := places[s.state.Deviation]
		if a == nil {
			a = &Alarm{Key: "way/" + s.name, Name: PathDeviates, Severity: "critical", Cause: "path:" + s.name,
				Before: "over the links of its path", After: s.state.Deviation, CausedAt: s.state.Changed}
			places[s.state.Deviation] = a
		}
		a.Intents, a.Nodes = union(a.Intents, []string{s.intent.spec.Name}), union(a.Nodes, []string{s.by})
		says[s.state.Deviation] = append(says[s.state.Deviation], s.name+" seen from "+s.by)
		a.Evidence = append(a.Evidence, Evidence{ByProbe, "node:" + s.by, s.name + ": " + s.state.Deviation, s.state.Changed})
	}
	for _, place := range sortedKeys(places) {
		a := places[place]
		a.Message = fmt.Sprintf("packets do not take the way that is declared: %s (%s). What is proven of its links, ducts and countries does not hold for them", place, some(says[place]))
		add(*a)
	}
}
