package webhook

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/keys/sign"
)

// TestByHand runs what docs/alerts.md says how to verify a webhook with openssl
// alone, and sees it fail on another body.
func TestByHand(t *testing.T) {
	for _, program := range []string{"openssl", "xxd"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	doc, err := os.ReadFile("../../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(doc), "```sh\n")
	script, _, _ = strings.Cut(script, "```")
	classic, quantum, found := strings.Cut(script, "# and with OpenSSL 3.5")
	if !found || !strings.Contains(classic, "# v1h") {
		t.Fatal("docs/alerts.md has no such script")
	}
	ml := exec.Command("openssl", "list", "-signature-algorithms")
	if out, err := ml.Output(); err == nil && strings.Contains(string(out), "ML-DSA-65") {
		classic += "# " + quantum
	}
	hybrid := hybrid(t, 1)
	keys := []Key{parsed(t, secretA), parsed(t, privateA), HybridKey(hybrid)}
	h := http.Header{}
	Sign(h, keys, "msg_1", at, []byte("the body"))
	first, second, _ := strings.Cut(strings.TrimPrefix(h.Get(HeaderSignature), "v1,"), " v1a,")
	run := func(body string) (string, error) {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"body": body, "noc.secret": secretA + "\n", "hook.pub": publicA + "\n", "keiro.pub": publicText(hybrid),
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("bash", "-euo", "pipefail", "-c", classic)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "ID=msg_1", "TS="+h.Get(HeaderTimestamp), "V1="+first, "V1A="+second,
			"V1H="+strings.TrimPrefix(h.Get(HeaderHybrid), "v1h,"))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run("the body")
	if want := strings.Count(classic, "-verify"); err != nil || !strings.Contains(out, first) || strings.Count(out, "Verified Successfully") != want {
		t.Errorf("%v, want %d signatures verified and %s:\n%s", err, want, first, out)
	}
	if out, err := run("another body"); err == nil || strings.Contains(out, first) {
		t.Errorf("another body verifies:\n%s", out)
	}
}

// publicText is what `keiro key show` prints.
func publicText(k *sign.Key) string {
	return "# fingerprint " + k.Public().Fingerprint().String() + "\n" + string(k.Public().Marshal())
}
