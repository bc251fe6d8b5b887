package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/keiro-net/keiro/controller/alert"
	"github.com/keiro-net/keiro/controller/alert/egress"
	"github.com/keiro-net/keiro/controller/store"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

const alertingKind = "Alerting"

// ReadAlerting reads the file that says whom alerts are sent to. Relative
// names of files in it count from its own directory.
//
//	apiVersion: keiro/v1
//	kind: Alerting
//	spec:
//	  endpoints:
//	    - {name: ops, kind: webhook, url: "https://ops.example.net/keiro", secretsFile: ops.secret, signingKeyFiles: [keiro.key]}
//	    - {name: am, kind: alertmanager, url: "http://127.0.0.1:9093", timeout: 5s, allow: [127.0.0.1]}
func ReadAlerting(file string) ([]alert.Endpoint, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return parseAlerting(file, data)
}

func parseAlerting(file string, data []byte) ([]alert.Endpoint, error) {
	docs, errs := strictyaml.Documents(file, data)
	docs, more := strictyaml.Select(docs, topology.APIVersion, alertingKind)
	errs = append(errs, more...)
	var endpoints []alert.Endpoint
	var bad []error
	for _, d := range docs {
		var doc struct {
			APIVersion string `json:"apiVersion" strict:"required"`
			Kind       string `json:"kind" strict:"required"`
			Spec       struct {
				Endpoints []struct {
					Name        string         `json:"name" strict:"required"`
					Kind        alert.Kind     `json:"kind" strict:"required"`
					URL         string         `json:"url" strict:"required"`
					SecretsFile string         `json:"secretsFile"`
					KeyFiles    []string       `json:"signingKeyFiles"`
					CAFile      string         `json:"caFile"`
					Timeout     topology.Delay `json:"timeout"`
					Allow       []string       `json:"allow"`
					Proxy       string         `json:"proxy"`
				} `json:"endpoints"`
			} `json:"spec" strict:"required"`
		}
		errs = append(errs, d.Decode(&doc)...)
		for _, e := range doc.Spec.Endpoints {
			one := alert.Endpoint{
				Name: e.Name, Kind: e.Kind, URL: e.URL, SecretsFile: beside(file, e.SecretsFile), CAFile: beside(file, e.CAFile),
				Timeout: time.Duration(e.Timeout) * time.Microsecond, Proxy: e.Proxy,
			}
			for _, name := range e.KeyFiles {
				one.KeyFiles = append(one.KeyFiles, beside(file, name))
			}
			for _, text := range e.Allow {
				prefix, err := egress.ParseAllow(text)
				if err != nil {
					bad = append(bad, fmt.Errorf("%s: endpoint %s: allow: %w", file, e.Name, err))
				}
				one.Allow = append(one.Allow, prefix)
			}
			endpoints = append(endpoints, one)
		}
	}
	return endpoints, errors.Join(append(bad, errs.Err())...)
}

func beside(file, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(file), name)
}

// outbox keeps alerts in the store until they are delivered, and those that
// were given up.
type outbox struct{ *store.Store }

const (
	outboxBucket = "outbox"
	letterBucket = "deadletter"
)

// Put implements alert.Outbox.
func (o outbox) Put(ctx context.Context, deliveries []alert.Delivery) error {
	ops := make([]store.Op, len(deliveries))
	for n, d := range deliveries {
		value, err := json.Marshal(d)
		if err != nil {
			return fmt.Errorf("alert %s: %w", d.Alert.ID, err)
		}
		ops[n] = store.Put(outboxBucket, d.ID, value)
	}
	return o.Commit(ctx, ops...)
}

// Delete implements alert.Outbox.
func (o outbox) Delete(ctx context.Context, id string) error {
	return o.Commit(ctx, store.Delete(outboxBucket, id))
}

// List implements alert.Outbox.
func (o outbox) List(ctx context.Context) ([]alert.Delivery, error) {
	var out []alert.Delivery
	err := each(ctx, o.Store, outboxBucket, func(_ string, d alert.Delivery) { out = append(out, d) })
	return out, err
}

// Bury implements alert.Outbox.
func (o outbox) Bury(ctx context.Context, letter alert.Letter, dropped []string) error {
	value, err := json.Marshal(letter)
	if err != nil {
		return fmt.Errorf("dead letter %s: %w", letter.ID, err)
	}
	ops := []store.Op{store.Delete(outboxBucket, letter.ID), store.Put(letterBucket, letter.ID, value)}
	for _, id := range dropped[:min(len(dropped), store.MaxOps-len(ops))] {
		ops = append(ops, store.Delete(letterBucket, id))
	}
	return o.Commit(ctx, ops...)
}

// Letters implements alert.Outbox.
func (o outbox) Letters(ctx context.Context) ([]alert.Letter, error) {
	var out []alert.Letter
	err := each(ctx, o.Store, letterBucket, func(_ string, l alert.Letter) { out = append(out, l) })
	return out, err
}

// Revive implements alert.Outbox.
func (o outbox) Revive(ctx context.Context, d alert.Delivery) error {
	value, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("dead letter %s: %w", d.ID, err)
	}
	return o.Commit(ctx, store.Delete(letterBucket, d.ID), store.Put(outboxBucket, d.ID, value))
}

// own is where this controller listens, which no alert may be sent to.
type own struct {
	listeners atomic.Pointer[[]netip.AddrPort]
}

// set takes the listeners, once they are open.
func (o *own) set(all ...net.Listener) {
	var addrs []netip.AddrPort
	for _, l := range all {
		if tcp, ok := l.Addr().(*net.TCPAddr); ok {
			at := tcp.AddrPort()
			addrs = append(addrs, netip.AddrPortFrom(at.Addr().Unmap(), at.Port()))
		}
	}
	o.listeners.Store(&addrs)
}

// is reports whether to leads to a listener: by its address or, of one on all
// addresses, by any of this machine's.
func (o *own) is(to netip.AddrPort) bool {
	listeners := o.listeners.Load()
	if listeners == nil {
		return false
	}
	for _, l := range *listeners {
		if l.Port() == to.Port() && (l.Addr() == to.Addr() || local(to.Addr())) {
			return true
		}
	}
	return false
}

// local reports whether an address is this machine's. Where nobody can tell, it is.
func local(a netip.Addr) bool {
	if a.IsLoopback() || a.IsUnspecified() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, one := range addrs {
		if p, err := netip.ParsePrefix(one.String()); err == nil && p.Addr().Unmap() == a {
			return true
		}
	}
	return false
}
