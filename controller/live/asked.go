package live

import (
	"net/netip"

	"github.com/keiro-net/keiro/bgp/lsdb"
)

// RouterIDs are all that a routerID of a file may say of a router.
func RouterIDs(r *lsdb.Router) []string { return routerIDs(r) }

// Locators are the locators of algorithm 0 that a router says it has.
func Locators(r *lsdb.Router) (out []netip.Prefix) {
	for _, l := range locators(r) {
		out = append(out, l.prefix)
	}
	return out
}

// RouterStale reports whether all that is said of a router was said by peers
// whose session is lost.
func RouterStale(r *lsdb.Router) bool { return stale(r) }

// LinkStale reports the same of a link.
func LinkStale(l *lsdb.Link) bool { return staleLink(l) }
