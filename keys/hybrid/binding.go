package hybrid

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
)

// BindingOID names the extension by which a node's certificate binds its
// hybrid identity. The arc 2.25 (ITU-T X.667) needs no registration; the
// number is drawn at random and as large as encoding/asn1 reads. Only the
// fleet's own authority writes it and only its own agents read it.
var BindingOID = asn1.ObjectIdentifier{2, 25, 1483920617, 1}

// bindingVersion is the version of a binding.
const bindingVersion = 1

// binding is the extension's value in DER.
type binding struct {
	Version     int
	Fingerprint []byte
}

// Bind gives the extension for a certificate's template. It is not critical:
// those who verify the chain for TLS alone need not know it.
func Bind(f Fingerprint) (pkix.Extension, error) {
	value, err := asn1.Marshal(binding{bindingVersion, f[:]})
	return pkix.Extension{Id: BindingOID, Value: value}, err
}

// ReadBinding reads the fingerprint that a certificate, whose chain the caller
// has verified, binds to its node; ErrUnbound where there is none.
func ReadBinding(cert *x509.Certificate) (Fingerprint, error) {
	found := -1
	for i, e := range cert.Extensions {
		if !e.Id.Equal(BindingOID) {
			continue
		}
		if found >= 0 {
			return Fingerprint{}, fmt.Errorf("%w: the certificate binds two identities", ErrMalformed)
		}
		found = i
	}
	if found < 0 {
		return Fingerprint{}, ErrUnbound
	}
	var b binding
	value := cert.Extensions[found].Value
	if _, err := asn1.Unmarshal(value, &b); err != nil || len(b.Fingerprint) != len(Fingerprint{}) {
		return Fingerprint{}, fmt.Errorf("%w: binding in the certificate", ErrMalformed)
	}
	if b.Version != bindingVersion {
		return Fingerprint{}, fmt.Errorf("%w of a binding", ErrVersion)
	}
	// asn1 lets more follow, in the sequence and behind it.
	f := Fingerprint(b.Fingerprint)
	if want, err := Bind(f); err != nil || !bytes.Equal(want.Value, value) {
		return Fingerprint{}, fmt.Errorf("%w: binding in the certificate", ErrMalformed)
	}
	return f, nil
}

// CheckBinding refuses an identity that is not the one the certificate binds.
func CheckBinding(cert *x509.Certificate, p *Public) error {
	f, err := ReadBinding(cert)
	if err != nil {
		return err
	}
	if f != p.Fingerprint() {
		return fmt.Errorf("%w: the certificate binds %v, not %v", ErrIdentity, f, p.Fingerprint())
	}
	return nil
}

const forCertificate = "certificate request"

// Claim proves to the authority that who asks for a certificate over the key
// in subjectPublicKeyInfo (DER) for a node holds the identity too.
func (i *Identity) Claim(node string, subjectPublicKeyInfo []byte) []byte {
	over := claim(node, subjectPublicKeyInfo)
	return i.sign(forCertificate, over[:])
}

// CheckClaim verifies a Claim before the authority binds the identity.
func (p *Public) CheckClaim(node string, subjectPublicKeyInfo, signature []byte) error {
	over := claim(node, subjectPublicKeyInfo)
	return p.verify(forCertificate, over[:], signature)
}

func claim(node string, subjectPublicKeyInfo []byte) Digest {
	return frame(forCertificate).add("node", []byte(node)).add("key", subjectPublicKeyInfo).sum()
}
