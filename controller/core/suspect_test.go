package core

import (
	"fmt"
	"strings"
	"testing"

	"github.com/keiro-net/keiro/pathspec"
)

// Each line: paths that ail, paths that are well, and what is suspected.
func TestSuspects(t *testing.T) {
	for _, test := range []struct{ ailing, well, want string }{
		{"", "", ""},
		{"p:a,b,c", "", "path:p[p]"},
		{"p:a", "", "link:a[p]"},
		{"p:a,b,c", "a,b", "link:c[p]"},
		{"p:a,b q:b,c", "", "link:b[p q]"},
		{"p:a,b,c q:b,c,d", "", "links:b,c[p q]"},
		{"p:a,b,c q:b,c,d", "c", "link:b[p q]"},
		{"p:a,b q:c,d", "", "path:p[p] path:q[q]"},
		{"p:a,b q:c,d", "b,d", "link:a[p] link:c[q]"},
		{"p:a,b q:b,c r:x,y", "y", "link:b[p q] link:x[r]"},
		{"p:a,b", "a b", "path:p[p]"}, // all links are sound, and yet
	} {
		ailing := map[string]pathspec.Path{}
		for _, word := range strings.Fields(test.ailing) {
			name, links, _ := strings.Cut(word, ":")
			ailing[name] = pathspec.Path{Links: strings.Split(links, ",")}
		}
		var well []pathspec.Path
		for _, links := range strings.Fields(test.well) {
			well = append(well, pathspec.Path{Links: strings.Split(links, ",")})
		}
		var got []string
		for _, s := range suspects(ailing, well) {
			got = append(got, s.cause+fmt.Sprint(s.paths))
		}
		if all := strings.Join(got, " "); all != test.want {
			t.Errorf("%s beside %s: %s, want %s", test.ailing, test.well, all, test.want)
		}
	}
}
