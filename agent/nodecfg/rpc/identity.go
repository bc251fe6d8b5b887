package rpc

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ServerName is in every controller's certificate, and is what agents verify
// whatever address they dialled: an agent in a namespace without a network
// dials a socket, which has no name.
const ServerName = "controller.keiro"

// maxNode is the most bytes in the name of a node.
const maxNode = 253

// CheckNode refuses names that no certificate should carry.
func CheckNode(node string) error {
	if node == "" || len(node) > maxNode || !utf8.ValidString(node) ||
		strings.ContainsFunc(node, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		return fmt.Errorf("node name %.40q: want 1 to %d bytes of printable text", node, maxNode)
	}
	return nil
}

// AgentURI is the subject alternative name of an agent's certificate:
// keiro://agent/NODE.
func AgentURI(node string) *url.URL {
	return &url.URL{Scheme: "keiro", Host: "agent", Path: "/" + node}
}

// Node returns whose certificate it is. That it is valid was checked by TLS.
func Node(cert *x509.Certificate) (string, error) {
	node := cert.Subject.CommonName
	if len(cert.URIs) != 1 || cert.URIs[0].String() != AgentURI(node).String() || CheckNode(node) != nil {
		return "", errors.New("the certificate is not an agent's")
	}
	return node, nil
}

// TLS returns what both ends of the channel demand: TLS 1.3 with the hybrid
// key exchange of draft-ietf-tls-ecdhe-mlkem and no other, so that what is
// recorded today stays closed to the quantum computer of tomorrow.
func TLS() *tls.Config {
	return &tls.Config{
		MinVersion:       tls.VersionTLS13,
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768},
		ServerName:       ServerName,
	}
}
