package online

import (
	"os"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
)

func TestControllerIsNotThere(t *testing.T) {
	w := newWorld(t)
	token := w.vars["KEIRO_TOKEN_FILE"]
	if err := os.WriteFile(token, []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.expect(t, 1, "", "keiro: a valid bearer token is needed; check the token file that --config, $KEIRO_CONFIG or $KEIRO_TOKEN_FILE names\n", "get")
	w.vars["KEIRO_SERVER"] = "http://127.0.0.1:1"
	w.expect(t, 1, "", "keiro: reach the controller at http://127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused; "+
		"is keiro-controller running there? --config, $KEIRO_CONFIG or $KEIRO_SERVER says where\n", "watch")
	delete(w.vars, "KEIRO_SERVER")
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	w.expect(t, 1, "", "keiro: no controller is known: set KEIRO_CONFIG to its client.json, or KEIRO_SERVER and KEIRO_TOKEN_FILE\n", "get")
}

// A file that is named counts alone, whatever the environment says.
func TestConfigFlag(t *testing.T) {
	w := newWorld(t)
	config := t.TempDir() + "/client.json"
	text := `{"server": "` + w.vars["KEIRO_SERVER"] + `", "tokenFile": "` + w.vars["KEIRO_TOKEN_FILE"] + `"}`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.vars["KEIRO_SERVER"] = "http://127.0.0.1:1"
	w.expect(t, 0, "no intents\n", "", "get", "--config", config)
}

func TestCompletion(t *testing.T) {
	w := newWorld(t)
	w.populate()
	for line, want := range map[string]string{
		"get ":                  "intents nodes links lanes keystores peers drains waivers alerts topology solution",
		"get intent ":           "far gold",
		"get node ":             "a b c",
		"get links a":           "a--b a--c",
		"get lane ":             "gold/0 gold/1",
		"get topology ":         "",
		"get intents gold ":     "",
		"describe ":             "intent node link peer far gold",
		"describe link ":        "a--b a--c",
		"explain ":              "far gold",
		"trace gold ":           "",
		"rotate ":               "far gold",
		"rekey --node ":         "a b c",
		"rekey ":                "",
		"revoke ":               "node",
		"revoke node ":          "a b c",
		"revoke node a ":        "",
		"drain ":                "node:a node:b node:c link:a--b link:a--c srlg:duct srlg:quake",
		"undrain ":              "node:b",
		"token create ":         "a b c",
		"delete ":               "far gold",
		"delete gold ":          "far gold",
		"get intents --output ": strings.Join(output.Formats, " "),
	} {
		_, out, _ := w.run(t, append([]string{"__completeNoDesc"}, strings.Split(line, " ")...)...)
		words := strings.Fields(out)
		if len(words) == 0 {
			t.Errorf("%q: nothing", line)
			continue
		}
		if got := strings.Join(words[:len(words)-1], " "); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
	w.listen(t, true)
	for _, line := range [][]string{{"get", "peers", ""}, {"describe", "peer", ""}} {
		if _, out, _ := w.run(t, append([]string{"__completeNoDesc"}, line...)...); out != "rr1\nrr2\nx\n:4\n" {
			t.Errorf("%q: %q", line, out)
		}
	}
	if _, out, _ := w.run(t, "__completeNoDesc", "get", "topology", "--le"); !strings.Contains(out, "--learned") {
		t.Errorf("--le: %q", out)
	}
	w.vars["KEIRO_SERVER"] = "http://127.0.0.1:1"
	if _, out, _ := w.run(t, "__completeNoDesc", "explain", ""); out != ":4\n" {
		t.Errorf("without a controller: %q", out)
	}
}
