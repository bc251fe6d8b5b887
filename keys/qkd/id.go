package qkd

import (
	"encoding/hex"
	"errors"
)

// ID names a key: a UUID (clause 6.3). It is no secret.
type ID [16]byte

var errID = errors.New("not a UUID")

// ParseID reads a UUID of any case in the form of RFC 9562, section 4.
func ParseID(text string) (ID, error) {
	var id ID
	return id, id.UnmarshalText([]byte(text))
}

// UnmarshalText is ParseID.
func (id *ID) UnmarshalText(text []byte) error {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return errID
	}
	digits := make([]byte, 0, 32)
	for _, part := range [][]byte{text[:8], text[9:13], text[14:18], text[19:23], text[24:]} {
		digits = append(digits, part...)
	}
	var out ID
	if _, err := hex.Decode(out[:], digits); err != nil {
		return errID
	}
	*id = out
	return nil
}

// String is the UUID in lower case, as RFC 9562 wants it written.
func (id ID) String() string {
	text, _ := id.MarshalText()
	return string(text)
}

// MarshalText is String.
func (id ID) MarshalText() ([]byte, error) {
	out := make([]byte, 0, 36)
	for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			out = append(out, '-')
		}
		out = hex.AppendEncode(out, part)
	}
	return out, nil
}
