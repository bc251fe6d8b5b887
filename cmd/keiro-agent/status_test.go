package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/agent/floor"
	"github.com/keiro-net/keiro/agent/local"
	"github.com/keiro-net/keiro/agent/nodecfg"
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
