package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/keiro-net/keiro/controller/alert"
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
//	    - {name: ops, kind: webhook, url: "https://ops.example.net/keiro", secretsFile: ops.secret}
//	    - {name: am, kind: alertmanager, url: "http://127.0.0.1:9093", timeout: 5s}
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
					CAFile      string         `json:"caFile"`
					Timeout     topology.Delay `json:"timeout"`
				} `json:"endpoints"`
			} `json:"spec" strict:"required"`
		}
		errs = append(errs, d.Decode(&doc)...)
		for _, e := range doc.Spec.Endpoints {
			endpoints = append(endpoints, alert.Endpoint{
				Name: e.Name, Kind: e.Kind, URL: e.URL, SecretsFile: beside(file, e.SecretsFile), CAFile: beside(file, e.CAFile),
				Timeout: time.Duration(e.Timeout) * time.Microsecond,
			})
		}
	}
	return endpoints, errs.Err()
}

func beside(file, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(file), name)
}

// outbox keeps alerts in the store until they are delivered.
type outbox struct{ *store.Store }

const outboxBucket = "outbox"

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
