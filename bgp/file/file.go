// Package file reads the file of kind BGP: who this speaker is, and with which
// routers it holds sessions. The controller and the agent read it when they
// start, and nothing else does. It reads that file and the password files that
// it names, starts nothing and keeps nothing.
//
// Every mistake is told at once, with file, line and field. What a value may be
// is decided in package bgp, in one place with what a Speaker takes.
package file

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/keiro-net/keiro/bgp"
	"github.com/keiro-net/keiro/bgp/message"
	"github.com/keiro-net/keiro/bgp/transport"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

const (
	apiVersion = "keiro/v1"
	kind       = "BGP"
	// maxSize has room for thousands of peers.
	maxSize = 4 << 20
)

// File is what a file says. The Log of the Speaker, and whether it is
// Restarting, are the caller's to fill in.
type File struct {
	Name    string
	Speaker bgp.Config
	Peers   []Peer
}

// Peer is a configured peer.
type Peer struct {
	bgp.Peer
	// Node is the node of the topology that this peer is: what that headend is to
	// do is said on this session. "" is a peer that tells, or reflects.
	Node string
}

// Sessions are the peers as a Speaker takes them.
func (f *File) Sessions() []bgp.Peer {
	out := make([]bgp.Peer, len(f.Peers))
	for i, p := range f.Peers {
		out[i] = p.Peer
	}
	return out
}

// Read reads a file, and the password files that it names, which are relative to
// it. Errors name the file, the line and the field; none has a part of a
// password.
func Read(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the BGP file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read the BGP file: %w", err)
	}
	if len(data) > maxSize {
		return nil, fmt.Errorf("read the BGP file: %s has more than %d MiB", path, maxSize>>20)
	}
	return parse(path, data, transport.ReadPassword)
}

// document is the file as it is written.
type document struct {
	APIVersion string `json:"apiVersion" strict:"required"`
	Kind       string `json:"kind" strict:"required"`
	Metadata   struct {
		Name string `json:"name" strict:"required"`
	} `json:"metadata" strict:"required"`
	Spec struct {
		AS          asNumber         `json:"as" strict:"required"`
		RouterID    netip.Addr       `json:"routerID" strict:"required"`
		Listen      []netip.AddrPort `json:"listen"`
		RestartTime duration         `json:"restartTime"`
		Peers       []peer           `json:"peers" strict:"required"`
	} `json:"spec" strict:"required"`
}

type peer struct {
	Name         string           `json:"name" strict:"required"`
	Address      netip.Addr       `json:"address" strict:"required"`
	Port         port             `json:"port"`
	LocalAddress netip.Addr       `json:"localAddress"`
	AS           asNumber         `json:"as" strict:"required"`
	Families     []message.Family `json:"families" strict:"required"`
	Passive      bool             `json:"passive"`
	HoldTime     duration         `json:"holdTime"`
	TTLSecurity  int              `json:"ttlSecurity"`
	PasswordFile string           `json:"passwordFile"`
	Limits       struct {
		Objects int `json:"objects"`
		Updates int `json:"updates"`
		Burst   int `json:"burst"`
		Faults  int `json:"faults"`
	} `json:"limits"`
	Node string `json:"node"`
}

// duration is written as 90s and 2m.
type duration time.Duration

// UnmarshalText reads one.
func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%.40q is no time; write it as 90s or 2m", text)
	}
	*d = duration(v)
	return nil
}

// asNumber is an AS number of four octets (RFC 6793), in decimal.
type asNumber uint32

// UnmarshalText reads one.
func (n *asNumber) UnmarshalText(text []byte) error {
	v, err := strconv.ParseUint(string(text), 10, 32)
	if err != nil || v == 0 {
		return fmt.Errorf("%.40q is no AS number: want 1 to 4294967295", text)
	}
	*n = asNumber(v)
	return nil
}

// port is one of TCP.
type port uint16

// UnmarshalText reads one.
func (n *port) UnmarshalText(text []byte) error {
	v, err := strconv.ParseUint(string(text), 10, 16)
	if err != nil || v == 0 {
		return fmt.Errorf("%.40q is no TCP port: want 1 to 65535", text)
	}
	*n = port(v)
	return nil
}

func parse(path string, data []byte, password func(name string) (transport.Password, error)) (*File, error) {
	docs, errs := strictyaml.Documents(path, data)
	docs, more := strictyaml.Select(docs, apiVersion, kind)
	errs = append(errs, more...)
	if len(docs) == 0 && len(errs) == 0 {
		errs.Add(strictyaml.Error{File: path, Msg: "there is no document of kind BGP"})
	}
	var out *File
	for i, d := range docs {
		if i > 0 {
			errs.Add(d.Errorf("kind", "a second document of kind BGP: a program is one speaker"))
			break
		}
		var doc document
		c := d.Check(&doc)
		out = doc.file()
		checkName(c, "metadata.name", doc.Metadata.Name)
		for i, p := range doc.Spec.Peers {
			checkName(c, peerPath(i)+".name", p.Name)
			checkName(c, peerPath(i)+".node", p.Node)
			if p.PasswordFile == "" {
				continue
			}
			var err error
			out.Peers[i].Password, err = password(beside(path, p.PasswordFile))
			c.Check(peerPath(i)+".passwordFile", err)
		}
		for _, m := range bgp.Mistakes(out.Speaker, out.Sessions()) {
			at := "spec"
			if m.Peer >= 0 {
				at = peerPath(m.Peer)
			}
			c.Fail(at+"."+m.Field, "%s", m.Text)
		}
		errs = append(errs, c.Errors...)
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

// file is what the document says, with every peer in its place.
func (d *document) file() *File {
	s := &d.Spec
	f := &File{Name: d.Metadata.Name, Speaker: bgp.Config{AS: uint32(s.AS), ID: s.RouterID, Listen: s.Listen, RestartTime: time.Duration(s.RestartTime)}}
	for _, p := range s.Peers {
		f.Peers = append(f.Peers, Peer{Node: p.Node, Peer: bgp.Peer{
			Name: p.Name, Address: p.Address, Port: uint16(p.Port), LocalAddress: p.LocalAddress, AS: uint32(p.AS), Families: p.Families,
			Passive: p.Passive, HoldTime: time.Duration(p.HoldTime), TTLSecurity: p.TTLSecurity,
			Limits: bgp.Limits{Objects: p.Limits.Objects, Updates: p.Limits.Updates, Burst: p.Limits.Burst, Faults: p.Limits.Faults},
		}})
	}
	return f
}

// name is what a topology has for names: they are shown, and keys of metrics.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

func checkName(c *strictyaml.Checker, path, text string) {
	if text != "" && !name.MatchString(text) {
		c.Fail(path, "bad name %.80q: want up to 63 letters, digits, '.', '_' and '-', the first a letter or digit", text)
	}
}

func peerPath(i int) string { return strictyaml.Index("spec.peers", i) }

// beside is a file named in another one.
func beside(path, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(path), name)
}

// Reflects reports whether a headend without a session of its own can be told
// over the peer: it is no headend, and carries SR Policies.
func (p *Peer) Reflects() bool {
	return p.Node == "" && (slices.Contains(p.Families, message.IPv6SRPolicy) || slices.Contains(p.Families, message.IPv4SRPolicy))
}
