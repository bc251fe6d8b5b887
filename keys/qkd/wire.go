package qkd

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/keiro-net/keiro/keys/secret"
)

// What is sent.

type keyRequest struct {
	Number     int              `json:"number"`
	Size       int              `json:"size"`
	Additional []string         `json:"additional_slave_SAE_IDs,omitempty"`
	Mandatory  []map[string]any `json:"extension_mandatory,omitempty"`
	Optional   []map[string]any `json:"extension_optional,omitempty"`
}

func list(extensions []Extension) (out []map[string]any) {
	for _, e := range extensions {
		out = append(out, map[string]any{e.Name: e.Value})
	}
	return out
}

type named struct {
	ID ID `json:"key_ID"`
}

func keyIDs(ids []ID) any {
	var out struct {
		IDs []named `json:"key_IDs"`
	}
	for _, id := range ids {
		out.IDs = append(out.IDs, named{id})
	}
	return out
}

// What is read. encoding/json matches names in any case, which the standard
// needs: its table writes "Keys", its example "keys". What it does not know
// it skips, so extensions do not hurt. But it takes the last of two fields of
// one name; once does not.

type once[T any] struct {
	is    bool
	value T
}

// UnmarshalJSON takes one value that is not null.
func (o *once[T]) UnmarshalJSON(data []byte) error {
	if o.is {
		return errTwice
	}
	if string(data) == "null" {
		return errNull
	}
	o.is = true
	return json.Unmarshal(data, &o.value)
}

var (
	errTwice = errors.New("a field is there twice")
	errNull  = errors.New("a field is null")
	errKey   = errors.New("a key is not Base64")
	errUTF8  = errors.New("not UTF-8")
)

// decode reads JSON. Its errors quote nothing of the text.
func decode(body []byte, into any) string {
	err := errUTF8
	if utf8.Valid(body) {
		err = json.Unmarshal(body, into)
	}
	var syntax *json.SyntaxError
	var other *json.UnmarshalTypeError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &syntax):
		return fmt.Sprintf("not JSON, at byte %d", syntax.Offset)
	case errors.As(err, &other):
		return "a field is of another type"
	}
	for _, own := range []error{errTwice, errNull, errKey, errUTF8, errID} {
		if errors.Is(err, own) {
			return own.Error()
		}
	}
	return "not readable"
}

// material is a key on its way from JSON, of whatever length.
type material struct {
	bits int
	key  secret.Key // of Bits
}

// UnmarshalJSON decodes without a copy as a string, which nobody could erase.
func (m *material) UnmarshalJSON(data []byte) error {
	var text, key [64]byte
	defer func() { clear(text[:]); clear(key[:]) }()
	n, err := unescape(text[:], data)
	if err != nil {
		return err
	}
	if n > len(text) {
		m.bits = 8 * base64.StdEncoding.DecodedLen(n)
		return nil
	}
	n, err = base64.StdEncoding.Strict().Decode(key[:], text[:n])
	if err != nil {
		return errKey
	}
	if m.bits = 8 * n; m.bits == Bits {
		m.key, err = secret.New(key[:n])
	}
	return err
}

// unescape writes a JSON string into out and returns its length, which may be
// more than what out holds. Of the escapes it takes those that encoders use
// for characters of Base64: `\/` and, as .NET writes `+`, `\u002B`.
func unescape(out, quoted []byte) (int, error) {
	text, ok := bytes.CutPrefix(quoted, []byte(`"`))
	if !ok {
		return 0, errKey
	}
	text = text[:len(text)-1]
	n := 0
	for len(text) > 0 {
		c, size := text[0], 1
		if c == '\\' {
			var code [2]byte
			switch {
			case text[1] == '/':
				c, size = '/', 2
			case text[1] != 'u':
				return 0, errKey
			default:
				if _, err := hex.Decode(code[:], text[2:6]); err != nil || code[0] != 0 || code[1] >= utf8.RuneSelf {
					return 0, errKey
				}
				c, size = code[1], 6
			}
		}
		if c == '\n' || c == '\r' {
			return 0, errKey // package base64 would skip it
		}
		if n < len(out) {
			out[n] = c
		}
		n, text = n+1, text[size:]
	}
	return n, nil
}

// decodeContainer reads a Key container (clause 6.3) of so many keys, no two
// of them alike.
func decodeContainer(body []byte, number int) (_ []Key, fault Fault, why string) {
	var c struct {
		Keys once[[]struct {
			ID  once[ID]       `json:"key_ID"`
			Key once[material] `json:"key"`
		}] `json:"keys"`
	}
	var keys []Key
	defer func() {
		if why != "" {
			for _, k := range c.Keys.value {
				k.Key.value.key.Zero()
			}
		}
	}()
	if why := decode(body, &c); why != "" {
		return nil, Garbled, why
	}
	if !c.Keys.is {
		return nil, Garbled, `there are no "keys"`
	}
	if n := len(c.Keys.value); n != number {
		return nil, Count, fmt.Sprintf("%d keys came, %d were asked for", n, number)
	}
	for _, k := range c.Keys.value {
		switch {
		case !k.ID.is || !k.Key.is:
			return nil, Garbled, "a key has no key_ID or no key"
		case k.Key.value.bits != Bits:
			return nil, Length, fmt.Sprintf("a key of about %d bits came, %d were asked for", k.Key.value.bits, Bits)
		case slices.ContainsFunc(keys, func(other Key) bool { return other.ID == k.ID.value }):
			return nil, Repeated, fmt.Sprintf("the key %v came twice", k.ID.value)
		}
		keys = append(keys, Key{k.ID.value, k.Key.value.key})
	}
	return keys, 0, ""
}

// Status is what a KME says of its keys for one pair of SAEs (clause 6.1).
type Status struct {
	SourceKME, TargetKME string
	Master, Slave        string // SAE IDs
	KeySize              int    // bits, the default
	MinKeySize           int    // bits
	MaxKeySize           int    // bits
	Stored               int    // keys that can be had, of the default size
	Capacity             int    // the most that Stored can be
	MaxPerRequest        int    // keys
	MaxAdditional        int    // slaves beside the first; 0: no multicast
}

// Keys is how many keys of Bits can be had at the least.
func (s Status) Keys() int {
	if s.MinKeySize > Bits || s.MaxKeySize < Bits {
		return 0
	}
	return min(s.Stored, int(int64(s.Stored)*int64(s.KeySize)/Bits))
}

func (s Status) foreign(kme, master, slave string) string {
	switch {
	case s.SourceKME != kme:
		return fmt.Sprintf("it is the status of KME %q", clean(s.SourceKME))
	case s.Master != master || s.Slave != slave:
		return fmt.Sprintf("it is the status for the SAEs %q and %q", clean(s.Master), clean(s.Slave))
	}
	return ""
}

func decodeStatus(body []byte) (Status, Fault, string) {
	var w struct {
		SourceKME     once[string] `json:"source_KME_ID"`
		TargetKME     once[string] `json:"target_KME_ID"`
		Master        once[string] `json:"master_SAE_ID"`
		Slave         once[string] `json:"slave_SAE_ID"`
		KeySize       once[int]    `json:"key_size"`
		Stored        once[int]    `json:"stored_key_count"`
		Capacity      once[int]    `json:"max_key_count"`
		MaxPerRequest once[int]    `json:"max_key_per_request"`
		MaxKeySize    once[int]    `json:"max_key_size"`
		MinKeySize    once[int]    `json:"min_key_size"`
		MaxAdditional once[int]    `json:"max_SAE_ID_count"`
	}
	if why := decode(body, &w); why != "" {
		return Status{}, Garbled, why
	}
	for _, text := range []once[string]{w.SourceKME, w.TargetKME, w.Master, w.Slave} {
		if !text.is || len(text.value) > maxName {
			return Status{}, Garbled, "a KME ID or SAE ID is missing or too long"
		}
	}
	for _, n := range []once[int]{w.KeySize, w.Stored, w.Capacity, w.MaxPerRequest, w.MaxKeySize, w.MinKeySize, w.MaxAdditional} {
		if !n.is || n.value < 0 || n.value > 1<<31-1 {
			return Status{}, Garbled, "a number is missing or out of range"
		}
	}
	return Status{
		SourceKME: w.SourceKME.value, TargetKME: w.TargetKME.value, Master: w.Master.value, Slave: w.Slave.value,
		KeySize: w.KeySize.value, MinKeySize: w.MinKeySize.value, MaxKeySize: w.MaxKeySize.value,
		Stored: w.Stored.value, Capacity: w.Capacity.value,
		MaxPerRequest: w.MaxPerRequest.value, MaxAdditional: w.MaxAdditional.value,
	}, 0, ""
}

// decodeRefusal reads an Error (clause 6.5). One that is none says nothing.
func decodeRefusal(body []byte) (message string, details []Detail) {
	var w struct {
		Message once[string]                       `json:"message"`
		Details once[[]map[string]json.RawMessage] `json:"details"`
	}
	if decode(body, &w) != "" {
		return "", nil
	}
	for _, object := range w.Details.value {
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if len(details) == maxDetails {
				break
			}
			value := string(object[name])
			_ = json.Unmarshal(object[name], &value) // what is no string stays JSON
			details = append(details, Detail{clean(name), clean(value)})
		}
	}
	return clean(w.Message.value), details
}
