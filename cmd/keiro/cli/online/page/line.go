package page

import (
	"fmt"
	"time"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// Event is one event on a line.
func Event(e *resource.Event) string {
	return fmt.Sprintf("%s  %-24s %s  %s", e.Time.Local().Format("2006-01-02 15:04:05.000"), e.Type, e.Object, e.Message)
}

// Change is one change on a line; now is when it was heard.
func Change(now time.Time, c *resource.Change) string {
	var what, how string
	switch c.Kind {
	case resource.IntentChange:
		s := summarise(c.Intent)
		what = "intent:" + c.Intent.Metadata.Name
		how = fmt.Sprintf("%s, %s paths up, active %s, satisfied %s, installed %s, healthy %s",
			s.status, s.paths, s.active, s.satisfied, s.installed, s.healthy)
	case resource.NodeChange:
		what, how = "node:"+c.Node.Name, "agent "+agent(c.Node)+", revision "+revision(c.Node)
		if len(c.Node.Conditions) > 0 {
			how += ", " + short(c.Node.Conditions)
		}
	case resource.LinkChange:
		what, how = "link:"+c.Link.Name, string(c.Link.State)
		if c.Link.Drained {
			how += ", drained"
		}
		if len(c.Link.Conditions) > 0 {
			how += ", " + short(c.Link.Conditions)
		}
	case resource.DrainChange:
		what, how = "drain:"+c.Drain.Kind+":"+c.Drain.Name, output.Or(c.Drain.Reason)
	case resource.AlertChange:
		what, how = "alert:"+c.Alert.Name, string(c.Alert.Status)+", "+string(c.Alert.Severity)+": "+c.Alert.Message
	case resource.EventChange:
		return fmt.Sprintf("%s event %s %s: %s", clock(c.Event.Time), c.Event.Type, c.Event.Object, c.Event.Message)
	case resource.TopologyChange:
		what, how = "topology", fmt.Sprintf("generation %d", c.Generation)
	default:
		return fmt.Sprintf("%s %s", clock(now), c.Kind)
	}
	if c.Op == resource.Removed {
		return fmt.Sprintf("%s %s removed", clock(now), what)
	}
	return fmt.Sprintf("%s %s %s: %s", clock(now), what, c.Op, how)
}

func clock(t time.Time) string { return t.Local().Format("15:04:05.000") }
