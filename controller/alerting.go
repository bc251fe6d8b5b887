package controller

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/keiro-net/keiro/controller/alert"
	"github.com/keiro-net/keiro/controller/alert/egress"
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
