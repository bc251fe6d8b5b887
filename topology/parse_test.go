package topology

import (
	"testing"

	"github.com/keiro-net/keiro/topology/strictyaml/stricttest"
)

func TestParseErrors(t *testing.T) {
	stricttest.Errors(t, "testdata/errors.txtar", func(file string, data []byte) error {
		_, err := Parse(file, data)
		return err
	})
}
