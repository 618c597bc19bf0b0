// An edge to measure clients against, which needs less processor time than they do. It carries data as cloudflared's
// connector does (its websocket/connection.go and stream/stream.go): each message to the server is read whole and cut at
// 16 KiB, each read of at most 16 KiB from the server is one frame, and a frame's header and its payload are written
// separately. The server's end is the connection's end, without a close frame. Everything is Go's standard library.
//
//	edge CERTIFICATE KEY HOST=PORT...
//
// CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET are the pair that it admits. It prints, as JSON, its address, the address
// of a second listener that is plain TLS to the first host's server, and the IDs of its processes.
package main

import (
	"bufio"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
)

const (
	messageLimit = 16 * 1024
	readBytes    = 64 * 1024
	largestFrame = 64 * 1024 * 1024
	guid         = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
)

const (
	continuation = 0
	binaryData   = 2
	closing      = 8
	ping         = 9
	pong         = 10
)

type edge struct {
	id, secret string
	origins    map[string]string
}

func main() {
	if len(os.Args) < 4 {
		fail(errors.New("usage: edge CERTIFICATE KEY HOST=PORT..."))
	}
	certificate, err := tls.LoadX509KeyPair(os.Args[1], os.Args[2])
	if err != nil {
		fail(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13}
	the := &edge{os.Getenv("CF_ACCESS_CLIENT_ID"), os.Getenv("CF_ACCESS_CLIENT_SECRET"), map[string]string{}}
	first := ""
	for _, word := range os.Args[3:] {
		host, port, _ := strings.Cut(word, "=")
		the.origins[host] = "127.0.0.1:" + port
		if first == "" {
			first = the.origins[host]
		}
	}
	address := listen(config, the.serve)
	plainAddress := listen(config, func(client net.Conn) { plain(client, first) })
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"address": address, "plainAddress": plainAddress, "pids": []int{os.Getpid()},
	})
	// Until the measurement ends.
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "error:", err)
	os.Exit(1)
}

func listen(config *tls.Config, serve func(net.Conn)) string {
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		fail(err)
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				fail(err)
			}
			go func() {
				defer client.Close()
				serve(client)
			}()
		}
	}()
	return listener.Addr().String()
}

// Bytes both ways until one side ends.
func plain(client net.Conn, address string) {
	origin, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer origin.Close()
	ended := make(chan struct{}, 2)
	pipe := func(to io.Writer, from io.Reader) {
		buffer := make([]byte, readBytes)
		for {
			n, err := from.Read(buffer)
			if n > 0 {
				if _, err := to.Write(buffer[:n]); err != nil {
					break
				}
			}
			if err != nil {
				break
			}
		}
		ended <- struct{}{}
	}
	go pipe(client, origin)
	go pipe(origin, client)
	<-ended
}

// The requests of one connection, until one of them becomes a stream.
func (the *edge) serve(client net.Conn) {
	reader := bufio.NewReaderSize(client, readBytes)
	var upstream *upstream
	defer func() { upstream.close() }()
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		host, _, _ := strings.Cut(request.Host, ":")
		address, known := the.origins[host]
		header := request.Header
		switch {
		case !known:
			refuse(client, "530 ")
			return
		case header.Get("Cf-Access-Client-Id") != the.id || header.Get("Cf-Access-Client-Secret") != the.secret:
			refuse(client, "403 Forbidden")
			return
		case strings.EqualFold(header.Get("Upgrade"), "websocket"):
			the.upgrade(client, reader, header.Get("Sec-WebSocket-Key"), address)
			return
		}
		if upstream == nil {
			if upstream, err = dial(address); err != nil {
				refuse(client, "502 Bad Gateway")
				return
			}
		}
		if !upstream.pass(client, request) {
			return
		}
	}
}

// The headers of every answer, as the sandbox's edge gives them.
func common() string {
	ray := make([]byte, 8)
	_, _ = rand.Read(ray)
	return "cf-ray: " + hex.EncodeToString(ray) + "-ZT\r\nserver: zt-sandbox\r\n"
}

func refuse(client io.Writer, status string) {
	fmt.Fprintf(client, "HTTP/1.1 %s\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n", status, common())
}

// The connection to an HTTP server for the requests of one client's connection.
type upstream struct {
	conn   net.Conn
	reader *bufio.Reader
}

func dial(address string) (*upstream, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &upstream{conn, bufio.NewReader(conn)}, nil
}

func (to *upstream) close() {
	if to != nil {
		to.conn.Close()
	}
}

func (to *upstream) pass(client io.Writer, request *http.Request) bool {
	request.Header.Del("Cf-Access-Client-Id")
	request.Header.Del("Cf-Access-Client-Secret")
	if request.Write(to.conn) != nil {
		return false
	}
	response, err := http.ReadResponse(to.reader, request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	answer := bufio.NewWriter(client)
	return response.Write(answer) == nil && answer.Flush() == nil
}

func (the *edge) upgrade(client net.Conn, reader *bufio.Reader, key, address string) {
	origin, err := net.Dial("tcp", address)
	if err != nil {
		refuse(client, "502 Bad Gateway")
		return
	}
	defer origin.Close()
	accept := sha1.Sum([]byte(key + guid))
	_, err = fmt.Fprintf(client, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n%s\r\n", base64.StdEncoding.EncodeToString(accept[:]), common())
	if err != nil {
		return
	}
	frames := &frames{to: client}
	ended := make(chan struct{}, 2)
	go func() { receive(reader, frames, origin); ended <- struct{}{} }()
	go func() { send(origin, frames); ended <- struct{}{} }()
	<-ended
}

// Both directions write frames: one data, the other answers to pings and to a close.
type frames struct {
	to   io.Writer
	lock sync.Mutex
}

func (of *frames) write(opcode byte, payload []byte) error {
	of.lock.Lock()
	defer of.lock.Unlock()
	header := []byte{0x80 | opcode, byte(len(payload)), 0, 0}
	if len(payload) < 126 {
		header = header[:2]
	} else {
		header[1] = 126
		binary.BigEndian.PutUint16(header[2:], uint16(len(payload)))
	}
	if _, err := of.to.Write(header); err != nil {
		return err
	}
	_, err := of.to.Write(payload)
	return err
}

func send(origin io.Reader, to *frames) {
	buffer := make([]byte, messageLimit)
	for {
		n, err := origin.Read(buffer)
		if n > 0 && to.write(binaryData, buffer[:n]) != nil {
			return
		}
		if err != nil {
			return
		}
	}
}

func receive(reader *bufio.Reader, answers *frames, origin io.Writer) {
	var message []byte
	isData := false
	for {
		opcode, final, mask, length, err := readHeader(reader)
		if err != nil {
			return
		}
		if opcode < closing && opcode != continuation {
			message, isData = message[:0], opcode == binaryData
		}
		at := len(message)
		message = append(message, make([]byte, length)...)
		payload := message[at:]
		if _, err := io.ReadFull(reader, payload); err != nil {
			return
		}
		unmask(payload, mask)
		if opcode >= closing {
			message = message[:at]
			if opcode == closing {
				_ = answers.write(closing, payload)
				return
			}
			if opcode == ping && answers.write(pong, payload) != nil {
				return
			}
			continue
		}
		if !final || !isData {
			continue
		}
		if len(message) > messageLimit {
			message = message[:messageLimit]
		}
		if _, err := origin.Write(message); err != nil {
			return
		}
		message = message[:0]
	}
}

func readHeader(reader *bufio.Reader) (opcode byte, final bool, mask [4]byte, length int, err error) {
	var header [8]byte
	if _, err = io.ReadFull(reader, header[:2]); err != nil {
		return
	}
	opcode, final, length = header[0]&15, header[0]&0x80 != 0, int(header[1]&0x7f)
	if header[1]&0x80 == 0 {
		err = errors.New("a client's frame is not masked")
		return
	}
	switch length {
	case 126:
		_, err = io.ReadFull(reader, header[:2])
		length = int(binary.BigEndian.Uint16(header[:]))
	case 127:
		_, err = io.ReadFull(reader, header[:])
		if size := binary.BigEndian.Uint64(header[:]); size > largestFrame {
			err = errors.New("a frame is too large")
		} else {
			length = int(size)
		}
	}
	if err == nil {
		_, err = io.ReadFull(reader, mask[:])
	}
	return
}

func unmask(payload []byte, mask [4]byte) {
	word := uint64(binary.LittleEndian.Uint32(mask[:]))
	word |= word << 32
	at := 0
	for ; at+8 <= len(payload); at += 8 {
		part := payload[at : at+8 : at+8]
		binary.LittleEndian.PutUint64(part, binary.LittleEndian.Uint64(part)^word)
	}
	for ; at < len(payload); at++ {
		payload[at] ^= mask[at%4]
	}
}
