// Connects to ports of 127.0.0.1, and prints those whose certificate Go accepts: client ROOTS PORT NAME [PORT NAME]...
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"time"
)

func main() {
	pem, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for at := 2; at+1 < len(os.Args); at += 2 {
		config := &tls.Config{RootCAs: roots, ServerName: os.Args[at+1]}
		dialer := &net.Dialer{Timeout: 20 * time.Second}
		if socket, err := tls.DialWithDialer(dialer, "tcp", "127.0.0.1:"+os.Args[at], config); err == nil {
			fmt.Println(os.Args[at])
			socket.Close()
		} else {
			fmt.Fprintln(os.Stderr, os.Args[at], err)
		}
	}
}
