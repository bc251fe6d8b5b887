package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/agent/floor"
	"github.com/keiro-net/keiro/agent/local"
	"github.com/keiro-net/keiro/agent/nodecfg"
)

func run(args ...string) (string, error) {
	var out strings.Builder
	err := floorCommand(args, &out, io.Discard)
	return out.String(), err
}

// Without an agent the list is what is on disk, and nothing can be lowered.
func TestFloorWithoutAgent(t *testing.T) {
	dir := t.TempDir()
	kept := floor.Floors{Intents: []floor.Floor{{Intent: "gold", Traffic: []floor.Traffic{
		{From: netip.MustParsePrefix("10.1.0.0/16"), To: netip.MustParsePrefix("10.2.0.0/16"), Level: "pq"},
		{From: netip.MustParsePrefix("10.1.0.0/16"), To: netip.MustParsePrefix("10.3.0.0/16"), Level: "qkd"},
	}}}}
	if err := os.WriteFile(filepath.Join(dir, "floors.json"), kept.Encode("tyo1"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := `INTENT   FLOOR   FENCED    TRAFFIC
gold     qkd     unknown   10.1.0.0/16 to 10.2.0.0/16 (pq)
                           10.1.0.0/16 to 10.3.0.0/16

No agent is running with ` + dir + `: these are the floors that it kept.
`
	for _, args := range [][]string{{"list", "--state", dir}, {"--state", dir, "list"}} {
		if out, err := run(args...); err != nil || out != want {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	if _, err := run("lower", "gold", "--state", dir); err == nil || !strings.Contains(err.Error(), "Start it, or say where its state is") {
		t.Errorf("lower: %v", err)
	}
	for want, args := range map[string][]string{
		"floor wants `list` or `lower INTENT`":  {"lower"},
		"-o yaml: there are table and json":     {"list", "-o", "yaml"},
		"flag provided but not defined: -force": {"lower", "gold", "--force"},
	} {
		if _, err := run(args...); err == nil || err.Error() != want {
			t.Errorf("%v: %v", args, err)
		}
	}
	if _, err := run("--help"); err != nil {
		t.Errorf("help: %v", err)
	}
}

// With one, it is what the agent says.
func TestFloorOfAgent(t *testing.T) {
	dir := t.TempDir()
	s, err := local.Listen(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	orders := make(chan floor.Order)
	go s.Run(ctx, orders)
	state := nodecfg.FloorState{Intent: "gold", Level: "pq", Fenced: true, Reason: "10.1.0.0/16 to 10.2.0.0/16 needs pq, and no intent takes it"}
	view := floor.View{FloorState: state, Traffic: []floor.Traffic{{From: netip.MustParsePrefix("10.1.0.0/16"), To: netip.MustParsePrefix("10.2.0.0/16"), Level: "pq"}}}
	silver := view
	silver.Intent = "silver"
	go func() {
		floors := []floor.View{view, silver}
		for o := range orders {
			if o.Lower == "gold" {
				floors = floors[1:]
			}
			o.Answer <- floor.Answer{Node: "tyo1", Revision: 7, Floors: floors}
		}
	}()
	amiss := func(intent string) string {
		return "\n" + intent + ": some of its packets are answered with unreachable: " + state.Reason + ".\nIf that is meant: keiro-agent floor lower " + intent + "\n"
	}
	if out, err := run("list", "--state", dir); err != nil || out != `INTENT   FLOOR   FENCED   TRAFFIC
gold     pq      yes      10.1.0.0/16 to 10.2.0.0/16
silver   pq      yes      10.1.0.0/16 to 10.2.0.0/16
`+amiss("gold")+amiss("silver") {
		t.Errorf("%v\n%s", err, out)
	}
	var a floor.Answer
	if out, err := run("list", "-o", "json", "--state", dir); err != nil || json.Unmarshal([]byte(out), &a) != nil || a.Revision != 7 || len(a.Floors) != 2 || !a.Floors[0].Fenced {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := run("lower", "gold", "--state", dir); err != nil || out != "floor of gold at tyo1: was pq, is none\n"+amiss("silver") {
		t.Errorf("%v\n%s", err, out)
	}
}
