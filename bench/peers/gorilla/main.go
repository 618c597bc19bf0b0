// A peer to measure `zt ssh proxy` against: stdin and stdout through an edge with gorilla/websocket, the library that
// cloudflared's client uses, with its sizes and its way of reading and writing (cloudflared's source: messages of
// 16 KiB, each read whole). It is not cloudflared, which does more before and after.
//
//	gorilla HOST ADDRESS:PORT CA-FILE
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/gorilla/websocket"
)

const messageLimit = 16 * 1024

func main() {
	if len(os.Args) != 4 {
		fail(errors.New("usage: gorilla HOST ADDRESS:PORT CA-FILE"))
	}
	conn, err := open(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		fail(err)
	}
	defer conn.Close()
	ended := make(chan error, 2)
	go func() { ended <- send(conn, os.Stdin) }()
	go func() { ended <- receive(conn, os.Stdout) }()
	if err := <-ended; err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "error:", err)
	os.Exit(1)
}

func open(host, address, caFile string) (*websocket.Conn, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %s", caFile)
	}
	dialer := websocket.Dialer{
		TLSClientConfig: &tls.Config{ServerName: host, RootCAs: roots},
		NetDialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}
	conn, response, err := dialer.Dial("wss://"+host+"/", http.Header{
		"Cf-Access-Client-Id":     {os.Getenv("CF_ACCESS_CLIENT_ID")},
		"Cf-Access-Client-Secret": {os.Getenv("CF_ACCESS_CLIENT_SECRET")},
	})
	if response != nil && err != nil {
		return nil, fmt.Errorf("%w (%s)", err, response.Status)
	}
	return conn, err
}

func send(conn *websocket.Conn, from io.Reader) error {
	buffer := make([]byte, messageLimit)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if err := conn.WriteMessage(websocket.BinaryMessage, buffer[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func receive(conn *websocket.Conn, to io.Writer) error {
	for {
		_, message, err := conn.ReadMessage()
		if websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway) {
			return nil
		} else if err != nil {
			return err
		}
		if _, err := to.Write(message); err != nil {
			return err
		}
	}
}
