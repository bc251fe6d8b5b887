package compile

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sort"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// testers tells both ends of each path of each other, and the key of their test
// packets. The tail's Config has nothing else of a path that begins elsewhere.
func (c *compiler) testers(configs []*nodecfg.Config) {
	if len(c.Secret) == 0 || c.Probe.Measure <= 0 {
		return
	}
	pairs := map[[2]string]bool{}
	for _, cfg := range configs {
		for i := range cfg.Policies {
			for _, path := range cfg.Policies[i].Paths {
				tail := path.Hops[len(path.Hops)-1]
				if len(path.Return) > 0 && c.configs[tail] != nil && tail != cfg.Node {
					pairs[[2]string{min(cfg.Node, tail), max(cfg.Node, tail)}] = true
				}
			}
		}
	}
	for pair := range pairs {
		key := pairKey(c.Secret, pair[0], pair[1])
		for i, node := range pair {
			peer := c.configs[pair[1-i]]
			c.configs[node].Testers = append(c.configs[node].Testers, nodecfg.Tester{Node: peer.Node, Locator: peer.Locator, Key: slices.Clone(key)})
		}
	}
	for _, cfg := range configs {
		sort.Slice(cfg.Testers, func(i, j int) bool { return cfg.Testers[i].Node < cfg.Testers[j].Node })
	}
}

// pairKey is HKDF-SHA-256 (RFC 5869) of the fleet's secret for two nodes, of
// which a is first in order. Names are framed by their lengths.
func pairKey(secret nodecfg.TestKey, a, b string) nodecfg.TestKey {
	info := []byte{}
	for _, field := range []string{"keiro test packets v1", a, b} {
		info = binary.BigEndian.AppendUint32(info, uint32(len(field)))
		info = append(info, field...)
	}
	key, err := hkdf.Key(sha256.New, secret, nil, string(info), nodecfg.TestKeyLen)
	if err != nil {
		panic(err) // only of a length that HKDF cannot make
	}
	return key
}
