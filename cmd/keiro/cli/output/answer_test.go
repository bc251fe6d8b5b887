package output

import (
	"testing"

	"github.com/keiro-net/keiro/pathspec"
)

func TestCostHasAUnit(t *testing.T) {
	for objective, want := range map[pathspec.Objective]string{
		pathspec.MinDelay: "4145us", pathspec.MinMetric: "metric 4145", pathspec.MinHops: "4145 hops", pathspec.Balance: "0.4%",
	} {
		if got := Cost(objective, 4145); got != want {
			t.Errorf("%v: got %q, want %q", objective, got, want)
		}
	}
}

func TestMarginAndReserveSayWhatIsNotKnown(t *testing.T) {
	zero := 0
	for got, want := range map[string]string{
		Margin(nil):                           "-",
		Margin(&pathspec.Margin{Link: &zero}): "link 0, node any, srlg any",
		ReserveOf(&pathspec.Answer{}):         "-",
		ReserveOf(&pathspec.Answer{Status: pathspec.Satisfied, Pending: true}):        "being computed",
		ReserveOf(&pathspec.Answer{Status: pathspec.Infeasible, Pending: true}):       "-",
		Reserve(&pathspec.Reserve{Link: 1}):                                           "link >=1, node >=0, srlg >=0",
		Reserve(&pathspec.Reserve{Node: 2, Exact: true}):                              "link 0, node 2, srlg 0",
		Reserve(&pathspec.Reserve{Breaks: pathspec.Breaks{Node: []string{"node:a"}}}): "link >=0, node 0, srlg >=0",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
