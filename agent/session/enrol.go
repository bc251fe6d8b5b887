package session

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/keys/hybrid"
)

// callTimeout is for one enrolment or renewal.
const callTimeout = 15 * time.Second

// TokenVariable is the environment variable that ReadToken looks at.
const TokenVariable = "KEIRO_TOKEN"

// ReadToken reads the token from the file or, where file is "", from the
// environment, which it then clears. There may be none: the zero Token.
func ReadToken(file string) (rpc.Token, error) {
	from, text := TokenVariable, os.Getenv(TokenVariable)
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return rpc.Token{}, fmt.Errorf("read the enrolment token: %w", err)
		}
		from, text = file, string(b)
	} else if err := os.Unsetenv(TokenVariable); err != nil {
		return rpc.Token{}, err
	}
	if text = strings.TrimSpace(text); text == "" && file == "" {
		return rpc.Token{}, nil
	}
	t, err := rpc.ParseToken(text)
	if err != nil {
		return rpc.Token{}, fmt.Errorf("%s: %w", from, err)
	}
	return t, nil
}

// enrol gets the node its identity, if it has none or its operator brought a
// new token.
func (c *Client) enrol(ctx context.Context) error {
	id := c.state.identity
	useless := c.useless(id)
	if c.Token.IsZero() || c.Token.ID == c.state.token && useless == nil {
		return useless
	}
	err := c.redeem(ctx)
	if err != nil && useless == nil {
		// Go on as who we are, for now or, where the token is no good, for ever.
		level := slog.LevelDebug
		if status.Code(err) == codes.PermissionDenied {
			level = slog.LevelWarn
			c.Token = rpc.Token{}
		}
		c.Log.Log(ctx, level, "not enrolled again, using the certificate that there is", "node", c.Node, "reason", reason(err))
		return nil
	}
	if err != nil {
		return fmt.Errorf("enrol with token %s: %s", c.Token.ID, reason(err))
	}
	c.Log.Info("enrolled", "node", c.Node, "controller", c.Address, "until", c.state.identity.cert.NotAfter,
		"identity", c.state.keys.Identity.Public().Fingerprint())
	return nil
}

// useless says why the identity cannot be used.
func (c *Client) useless(id identity) error {
	if id.cert == nil {
		return errors.New("not enrolled")
	}
	if err := id.check(c.Node); err != nil {
		return fmt.Errorf("%s: %w: enrol again with a new token", c.state.path(identityFile), err)
	}
	if time.Now().After(id.cert.NotAfter) {
		return fmt.Errorf("the certificate expired at %s: enrol again with a new token, which `keiro token create %s` makes; until then the node goes on as it was told",
			id.cert.NotAfter.UTC().Format(time.RFC3339), c.Node)
	}
	return nil
}

func (c *Client) redeem(ctx context.Context) error {
	key, err := c.state.enrollingKey()
	if err != nil {
		return err
	}
	conn, err := c.dial(pinned(c.Token.CA))
	if err != nil {
		return err
	}
	defer conn.Close()
	id, err := c.ask(ctx, conn, rpc.EnrolMethod, key, c.Token.Reveal())
	if err != nil {
		return err
	}
	if id.pin() != c.Token.CA {
		return errors.New("the controller answered with another authority than the token names")
	}
	defer c.publish()
	return c.state.enrolled(id, c.Token.ID)
}

// renew gets the next certificate, with a new key.
func (c *Client) renew(ctx context.Context, conn grpc.ClientConnInterface) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	id, err := c.ask(ctx, conn, rpc.RenewMethod, key, "")
	if err != nil {
		return err
	}
	if id.pin() != c.state.identity.pin() {
		return errors.New("the controller answered with another authority than it enrolled us with")
	}
	defer c.publish()
	return c.state.renewed(id)
}

// ask requests a certificate for the key that binds our identity, and checks
// that it is one.
func (c *Client) ask(ctx context.Context, conn grpc.ClientConnInterface, method string, key *ecdsa.PrivateKey, token string) (identity, error) {
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return identity{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return identity{}, err
	}
	keys := c.state.keys
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	reply, err := rpc.Enrol(ctx, conn, method, &rpc.EnrolRequest{
		Node: c.Node, Token: token, CSR: csr,
		Identity: keys.Identity.Public().Bytes(), Claim: keys.Identity.Claim(c.Node, public), WireGuard: keys.WireGuardPublic(),
	})
	if err != nil {
		return identity{}, err
	}
	cert, err := x509.ParseCertificate(reply.Certificate)
	if err != nil {
		return identity{}, fmt.Errorf("the controller's answer: %w", err)
	}
	ca, err := x509.ParseCertificate(reply.CA)
	if err != nil {
		return identity{}, fmt.Errorf("the controller's answer: %w", err)
	}
	id := identity{key: key, cert: cert, ca: ca}
	if err := errors.Join(id.check(c.Node), hybrid.CheckBinding(cert, keys.Identity.Public())); err != nil {
		return identity{}, fmt.Errorf("the controller's answer: %w", err)
	}
	return id, nil
}

// pinned is for the first connection, which knows only the hash of the
// authority's certificate. The handshake fails, and no token is sent, unless
// the other end has a certificate of exactly that authority.
func pinned(ca [sha256.Size]byte) *tls.Config {
	c := rpc.TLS()
	c.InsecureSkipVerify = true // VerifyConnection verifies instead
	c.VerifyConnection = func(s tls.ConnectionState) error {
		roots := x509.NewCertPool()
		for _, cert := range s.PeerCertificates {
			if sha256.Sum256(cert.Raw) == ca {
				roots.AddCert(cert)
			}
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{
			Roots: roots, DNSName: rpc.ServerName, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		})
		if err != nil {
			return fmt.Errorf("the controller is not the one that made the token: %w", err)
		}
		return nil
	}
	return c
}
