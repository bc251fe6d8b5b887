package lane

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"github.com/keiro-net/keiro/keys/secret"
)

// Kernel says whether the kernel makes WireGuard interfaces in the network
// namespace of the calling thread, by making one and taking it away.
func Kernel() (Answer, error) {
	probe := &netlink.Wireguard{LinkAttrs: netlink.LinkAttrs{Name: "kr-probe"}}
	err := netlink.LinkAdd(probe)
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return No, nil
	case errors.Is(err, unix.EEXIST): // another probe, or one that was interrupted
		return Yes, nil
	case err != nil:
		return CannotTell, fmt.Errorf("make a WireGuard interface: %w", err)
	}
	return Yes, netlink.LinkDel(probe)
}

// kernel is a Device of the kernel.
type kernel struct {
	name string
	wg   *wgctrl.Client
}

// OpenKernel opens a WireGuard interface of the kernel and makes it where
// there is none. It must be called on a thread in the network namespace of
// the lanes; the Device may be used on any.
func OpenKernel(name string, mtu int) (Device, error) {
	link := &netlink.Wireguard{LinkAttrs: netlink.LinkAttrs{Name: name, MTU: mtu}}
	if err := netlink.LinkAdd(link); err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, fmt.Errorf("lane %s: make the interface: %w", name, err)
	}
	return FindKernel(name)
}

// FindKernel opens a WireGuard interface of the kernel and makes none; without
// one its error is ErrLost. It must be called as OpenKernel.
func FindKernel(name string) (Device, error) {
	wg, err := wgctrl.New()
	if err != nil {
		return nil, fmt.Errorf("lane %s: %w", name, err)
	}
	if _, err := wg.Device(name); err != nil { // another kind of interface may have the name
		wg.Close()
		return nil, lost(name, err)
	}
	return &kernel{name, wg}, nil
}

// lost adds to an error about an interface that is not there that it is lost.
func lost(name string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("lane %s: %w: %w", name, ErrLost, err)
	}
	return fmt.Errorf("lane %s: %w", name, err)
}

// RemoveKernel deletes an interface of the kernel.
func RemoveKernel(name string) error {
	link, err := netlink.LinkByName(name)
	if _, none := errors.AsType[netlink.LinkNotFoundError](err); none {
		return nil
	}
	if err == nil {
		err = netlink.LinkDel(link)
	}
	if err != nil {
		return fmt.Errorf("lane %s: %w", name, err)
	}
	return nil
}

func (k *kernel) Status() (Status, error) {
	d, err := k.wg.Device(k.name)
	if err != nil {
		return Status{}, lost(k.name, err)
	}
	clear(d.PrivateKey[:])
	s := Status{Public: PublicKey(d.PublicKey), Port: uint16(d.ListenPort), moreThanOne: len(d.Peers) > 1}
	for i := range d.Peers {
		p := &d.Peers[i]
		clear(p.PresharedKey[:])
		s.Peer, s.Keepalive, s.Handshake = PublicKey(p.PublicKey), p.PersistentKeepaliveInterval, p.LastHandshakeTime
		if p.Endpoint != nil {
			s.Endpoint = p.Endpoint.AddrPort()
		}
		s.Received, s.Sent = uint64(p.ReceiveBytes), uint64(p.TransmitBytes)
		s.other = s.other || !everything(p.AllowedIPs)
	}
	return s, nil
}

func (k *kernel) Set(c Config) error {
	if err := c.validate(); err != nil {
		return fmt.Errorf("lane %s: %w", k.name, err)
	}
	own, err := publicOf(c.Private)
	if err != nil {
		return fmt.Errorf("lane %s: %w", k.name, err)
	}
	have, err := k.Status()
	if err != nil {
		return err
	}
	do := c.changes(have, own)
	if do.none() {
		return nil
	}
	return k.configure(kernelConfig(&c, do))
}

// kernelConfig is what leads to a Config, the counterpart of setRequest.
func kernelConfig(c *Config, do change) wgtypes.Config {
	var w wgtypes.Config
	if do.private {
		w.PrivateKey = new(wgtypes.Key(c.Private.Bytes()))
	}
	if do.port {
		w.ListenPort = new(int(c.Port))
	}
	w.ReplacePeers = do.peer
	if !do.peer && !do.endpoint && !do.keepalive {
		return w
	}
	p := wgtypes.PeerConfig{PublicKey: wgtypes.Key(c.Peer.Public), UpdateOnly: !do.peer}
	if do.peer {
		p.PresharedKey = new(wgtypes.Key(c.Peer.Preshared.Bytes()))
		p.ReplaceAllowedIPs, p.AllowedIPs = true, allAddresses()
	}
	if do.endpoint {
		p.Endpoint = net.UDPAddrFromAddrPort(c.Peer.Endpoint)
	}
	if do.keepalive {
		p.PersistentKeepaliveInterval = &c.Peer.Keepalive
	}
	w.Peers = []wgtypes.PeerConfig{p}
	return w
}

func (k *kernel) configure(w wgtypes.Config) error {
	err := k.wg.ConfigureDevice(k.name, w)
	if w.PrivateKey != nil {
		clear(w.PrivateKey[:])
	}
	for _, p := range w.Peers {
		if p.PresharedKey != nil {
			clear(p.PresharedKey[:])
		}
	}
	if err != nil {
		return lost(k.name, err)
	}
	return nil
}

func (k *kernel) SetPreshared(peer PublicKey, psk secret.Key) error {
	if !usable(psk) {
		return fmt.Errorf("lane %s: a preshared key of zeros is none", k.name)
	}
	have, err := k.Status()
	if err != nil {
		return err
	}
	if have.Peer != peer {
		return fmt.Errorf("lane %s: %w: %s", k.name, ErrNoPeer, peer)
	}
	return k.configure(wgtypes.Config{Peers: []wgtypes.PeerConfig{{
		PublicKey: wgtypes.Key(peer), UpdateOnly: true, PresharedKey: new(wgtypes.Key(psk.Bytes())),
	}}})
}

func (k *kernel) Handshake() error { return fmt.Errorf("lane %s: %w", k.name, ErrNotAtWill) }

func (k *kernel) Silence() error { return k.configure(wgtypes.Config{ReplacePeers: true}) }

func (k *kernel) Lost() <-chan struct{} { return nil }

func (k *kernel) Close() error { return k.wg.Close() }
