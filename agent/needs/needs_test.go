package needs

import (
	"fmt"
	"testing"
)

// told notes what a test would do.
type told struct {
	testing.TB
	said string
}

func (t *told) Helper()                        {}
func (t *told) Fatalf(format string, _ ...any) { t.said = "fail" }
func (t *told) Skipf(format string, _ ...any)  { t.said = "skip" }

func TestDemand(t *testing.T) {
	for _, tt := range []struct {
		has, ci bool
		want    string
	}{{true, true, ""}, {true, false, ""}, {false, true, "fail"}, {false, false, "skip"}} {
		t.Run(fmt.Sprintf("has=%t/ci=%t", tt.has, tt.ci), func(t *testing.T) {
			var got told
			if demand(&got, tt.has, tt.ci, "root"); got.said != tt.want {
				t.Errorf("%q, want %q", got.said, tt.want)
			}
		})
	}
}
