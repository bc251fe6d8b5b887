package helper

import (
	"bufio"
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/device"

	"github.com/keiro-net/keiro/agent/internal/sameuser"
	"github.com/keiro-net/keiro/agent/lane"
)

// idle is how long an answer may take to be taken off our hands.
const idle = 10 * time.Second

// serve answers one client, block by block, until it leaves.
func (s *server) serve(c *net.UnixConn) {
	defer c.Close()
	if err := sameuser.Check(c); err != nil {
		s.Log.Warn("refused a client", "error", err)
		return
	}
	r := bufio.NewReaderSize(c, 4096)
	for {
		block, err := lane.ReadBlock(r)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				s.Log.Warn("client", "error", err)
			}
			return
		}
		if len(block) == 0 {
			continue
		}
		var answer bytes.Buffer
		left, err := s.inTurn(c, block, &answer)
		if left {
			s.Log.Warn("request of a client that has left", "verb", block[0][0])
			return
		}
		code := 0
		if err != nil {
			code = int(unix.EINVAL)
			s.Log.Warn("request", "verb", block[0][0], "error", err)
			fmt.Fprintf(&answer, "message=%s\n", strings.Map(printable, err.Error()))
		}
		fmt.Fprintf(&answer, "errno=%d\n\n", code)
		if err := c.SetWriteDeadline(time.Now().Add(idle)); err != nil {
			return
		}
		if _, err := c.Write(answer.Bytes()); err != nil {
			return
		}
	}
}

// inTurn does what is asked unless the client has left: an agent that did not
// get an answer in time gives up, asks for something else over another
// connection, such as silence, and that must stay the last word.
func (s *server) inTurn(c *net.UnixConn, block [][2]string, answer *bytes.Buffer) (left bool, err error) {
	s.doing.Lock()
	defer s.doing.Unlock()
	raw, err := c.SyscallConn()
	if err != nil {
		return true, err
	}
	err = raw.Control(func(fd uintptr) {
		poll := []unix.PollFd{{Fd: int32(fd)}}
		_, _ = unix.Poll(poll, 0)
		left = poll[0].Revents&unix.POLLHUP != 0
	})
	if left || err != nil {
		return true, err
	}
	return false, s.do(block[0][0], block[1:], answer)
}

func (s *server) do(verb string, block [][2]string, answer *bytes.Buffer) error {
	switch verb {
	case "get":
		return s.get(answer)
	case "set":
		return s.set(block)
	case "handshake":
		return s.handshake(block)
	case "version":
		fmt.Fprintf(answer, "pid=%d\n", os.Getpid())
		return nil
	case "quit":
		s.quit <- struct{}{}
		return nil
	}
	return fmt.Errorf("there is no %q", verb)
}

// get tells all but secrets.
func (s *server) get(answer *bytes.Buffer) error {
	all := bytes.NewBuffer(make([]byte, 0, 4096))
	defer func() { clear(all.Bytes()[:all.Cap()]) }()
	if err := s.wg.IpcGetOperation(all); err != nil {
		return err
	}
	whole := all.Bytes()
	defer clear(whole)
	for line := range bytes.Lines(whole) {
		key, value, _ := bytes.Cut(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'='})
		switch string(key) {
		case "preshared_key":
		case "private_key":
			public, err := publicOf(value)
			if err != nil {
				return err
			}
			fmt.Fprintf(answer, "own_public_key=%x\n", public)
		default:
			answer.Write(line)
		}
	}
	return nil
}

func publicOf(hexKey []byte) ([]byte, error) {
	private := make([]byte, hex.DecodedLen(len(hexKey)))
	defer clear(private)
	if _, err := hex.Decode(private, hexKey); err != nil {
		return nil, errors.New("private key is not hexadecimal")
	}
	k, err := ecdh.X25519().NewPrivateKey(private)
	if err != nil {
		return nil, errors.New("private key is not X25519")
	}
	return k.PublicKey().Bytes(), nil
}

func (s *server) set(block [][2]string) error {
	b := bytes.NewBuffer(make([]byte, 0, 4096))
	for _, line := range block {
		fmt.Fprintf(b, "%s=%s\n", line[0], line[1])
	}
	whole := b.Bytes()
	defer clear(whole)
	return s.wg.IpcSetOperation(bytes.NewReader(whole))
}

// handshake makes a new session with a peer at once. The old one carries on
// until the new one is confirmed.
func (s *server) handshake(block [][2]string) error {
	if len(block) != 1 || block[0][0] != "public_key" {
		return errors.New("handshake wants public_key and nothing else")
	}
	var key device.NoisePublicKey
	if err := key.FromHex(block[0][1]); err != nil {
		return fmt.Errorf("public_key: %w", err)
	}
	peer := s.wg.LookupPeer(key)
	if peer == nil {
		return errors.New("there is no such peer")
	}
	return peer.SendHandshakeInitiation(false)
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
