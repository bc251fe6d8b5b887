package world_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/waiver"
	"github.com/keiro-net/keiro/keys/sign"
)

// operator is somebody whose waivers the controller believes.
type operator struct {
	key  *sign.Key
	file string // for the controller's flag
}

func newOperator(t testing.TB) *operator {
	t.Helper()
	key, err := sign.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o := &operator{key, filepath.Join(t.TempDir(), "operators.pub")}
	if err := os.WriteFile(o.file, key.Public().Marshal(), 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

// drain takes something out of use. What the gate refuses for it, the operator
// waives.
func (c *cloud) drain(kind, name string) {
	c.t.Helper()
	_, err := c.Client.Drain(c.ctx, kind, name, "test")
	var refused *resource.Error
	if !errors.As(err, &refused) || len(refused.Findings) == 0 {
		c.must(err)
		return
	}
	now := time.Now()
	var documents bytes.Buffer
	for _, f := range refused.Findings {
		signed, err := waiver.Sign(waiver.Waiver{
			Intent: f.Intent, Characteristic: f.Characteristic, Reason: "test", Issued: now, Until: now.Add(time.Hour),
		}, c.operator.key)
		c.must(err)
		documents.WriteString("---\n")
		documents.Write(waiver.Format(signed))
	}
	_, err = c.Client.Waive(c.ctx, documents.Bytes())
	c.must(err)
	_, err = c.Client.Drain(c.ctx, kind, name, "test")
	c.must(err)
}
