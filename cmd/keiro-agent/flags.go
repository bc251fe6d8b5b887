package main

import (
	"flag"

	"github.com/keiro-net/keiro/agent/daemon"
	"github.com/keiro-net/keiro/agent/tunnel"
	"github.com/keiro-net/keiro/keys/hybrid/kem"
	"github.com/keiro-net/keiro/keys/rotate"
)

// bgpFlags are those about policies that come by BGP.
func bgpFlags(o *daemon.Options) {
	flag.StringVar(&o.BGP, "bgp", "", "`file` of kind BGP with the peers that say SR Policies to this node, for a node with steering: bgp (docs/bgp-headend.md)")
}

// laneFlags are those about encrypted lanes and their keys.
func laneFlags(o *daemon.Options) {
	flag.StringVar(&o.KME, "kme", "", "file that describes the KME of this site, for keys of a QKD system (docs/qkd.md)")
	flag.TextVar(&o.KEM, "kem", kem.XWing, "`suite` that agrees on keys of lanes: X-Wing or X25519-ML-KEM-1024, the same on all nodes")
	flag.TextVar(&o.Lanes, "lanes", tunnel.Auto, "what makes the WireGuard `interfaces` of lanes: kernel, helper (a process for each), or auto: the kernel if it can")
	flag.DurationVar(&o.Rotate, "rotate-every", rotate.DefaultInterval, "time from one key epoch of the lanes to the next")
}
