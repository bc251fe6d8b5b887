package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/keiro-net/keiro/agent/floor"
	"github.com/keiro-net/keiro/agent/local"
	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/session"
)

func status(args ...string) (string, error) {
	var out strings.Builder
	err := statusCommand(args, &out, io.Discard)
	return out.String(), err
}

func TestStatus(t *testing.T) {
	dir := t.TempDir()
	if _, err := status("--state", dir); err == nil || !strings.Contains(err.Error(), "start it, or say where its state is") {
		t.Errorf("without an agent: %v", err)
	}
	s, err := local.Listen(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	orders := make(chan floor.Order)
	go s.Run(ctx, orders)
	report := nodecfg.Report{Node: "tyo1"}
	go func() {
		for o := range orders {
			a := floor.Answer{}
			if o.Status {
				r := report
				a.Report = &r
			}
			o.Answer <- a
		}
	}()
	if out, err := status("--state", dir); err != nil || out != "node tyo1 has no config yet\n" {
		t.Errorf("%v\n%s", err, out)
	}
	report = nodecfg.Report{Node: "tyo1", Revision: 7, Reached: true, Links: []nodecfg.LinkState{{Name: "tyo1--osa1", Up: true, MTU: 1500}},
		Paths:  []nodecfg.PathState{{Name: "gold/0", Active: true, State: nodecfg.CannotTell, Cause: "probe: BGP says no way back"}, {Name: "gold/1", State: nodecfg.Down, Cause: "link"}},
		Errors: []nodecfg.ObjectError{{Object: "bgp peer core", Error: "it has no session: hold timer expired"}}}
	want := `node tyo1, config revision 7, reached: yes

LINK         UP    MTU
tyo1--osa1   yes   1500

PATH     ACTIVE   STATE     CAUSE
gold/0   yes      unknown   probe: BGP says no way back
gold/1   no       down      link

Not as it should be:
  bgp peer core: it has no session: hold timer expired
`
	if out, err := status("--state", dir); err != nil || out != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
	var r nodecfg.Report
	if out, err := status("--state", dir, "-o", "json"); err != nil || json.Unmarshal([]byte(out), &r) != nil || r.Revision != 7 || len(r.Paths) != 2 {
		t.Errorf("%v\n%s", err, out)
	}
	for want, args := range map[string][]string{"-o yaml: there are table and json": {"-o", "yaml"}, `there is "now"`: {"now"}, "flag provided but not defined": {"--force"}} {
		if _, err := status(args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", args, err)
		}
	}
	if _, err := status("--help"); err != nil {
		t.Error(err)
	}
}

// The node's root sees since when the controller is away, why, and what that means.
func TestStatusWithoutController(t *testing.T) {
	dir := t.TempDir()
	s, err := local.Listen(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	at := time.Date(2026, 11, 27, 0, 40, 0, 0, time.UTC)
	report, uplink := nodecfg.Report{Node: "tyo1"}, session.Standing{Controller: "keiro:7443", Since: at, SinceS: 7380, Never: true}
	s.Uplink = func() session.Standing { return uplink }
	orders := make(chan floor.Order)
	go s.Run(ctx, orders)
	go func() {
		for o := range orders {
			r := report
			o.Answer <- floor.Answer{Report: &r}
		}
	}()
	wants := func(want string) {
		t.Helper()
		if out, err := status("--state", dir); err != nil || out != want {
			t.Errorf("%v\n%s\nwant\n%s", err, out, want)
		}
	}
	wants(`node tyo1 has no config yet
controller keiro:7443: no session since the agent began at 2026-11-27T00:40:00Z (2h3m0s)
  goes on without it: nothing, as no config was obeyed yet
  waits for it: new paths, changes of topology and intents, alerts of what this node sees
certificate: none, the node is not enrolled: ` + "`keiro token create tyo1`\n")

	report = nodecfg.Report{Node: "tyo1", Revision: 7, Reached: true, Lanes: []nodecfg.LaneState{{}, {}},
		Paths: []nodecfg.PathState{{Name: "gold/0", State: nodecfg.Down, Cause: "link"}, {Name: "gold/1", Active: true, State: nodecfg.Up}}}
	uplink = session.Standing{Controller: "keiro:7443", Since: at, SinceS: 7380, Reason: "the certificate expired", Expires: at.Add(-time.Hour), Expired: true}
	wants(`node tyo1, config revision 7, reached: yes
controller keiro:7443: no session since 2026-11-27T00:40:00Z (2h3m0s)
  why: the certificate expired
  goes on without it: forwarding by revision 7, repair between paths (1 of 2 answer probes), new keys of 2 lanes
  waits for it: new paths, changes of topology and intents, alerts of what this node sees
certificate expired at 2026-11-26T23:40:00Z: ` + "`keiro token create tyo1`" + `, and start the agent with that token; forwarding does not depend on it

PATH     ACTIVE   STATE   CAUSE
gold/0   no       down    link
gold/1   yes      up      
`)

	uplink = session.Standing{Controller: "keiro:7443", Connected: true, Since: at, Expires: at.Add(time.Hour)}
	report.Paths = nil
	wants(`node tyo1, config revision 7, reached: yes
controller keiro:7443: session since 2026-11-27T00:40:00Z
certificate until 2026-11-27T01:40:00Z
`)
	var got struct {
		Revision uint64           `json:"revision"`
		Uplink   session.Standing `json:"uplink"`
	}
	if out, err := status("--state", dir, "-o", "json"); err != nil || json.Unmarshal([]byte(out), &got) != nil || got.Revision != 7 || got.Uplink != uplink {
		t.Errorf("%v\n%s", err, out)
	}
}
