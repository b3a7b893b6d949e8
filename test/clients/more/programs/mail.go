// Sends with net/smtp and reads with go-imap. Arguments: ports of SMTP and IMAPS. The root of the lab is in SSL_CERT_FILE.
package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/smtp"
	"os"
	"time"

	"github.com/emersion/go-imap"
	"github.com/emersion/go-imap/client"
)

func must(err error, what string) {
	if err != nil {
		log.Fatalf("failed: %s: %v", what, err)
	}
}

func check(right bool, what string) {
	if !right {
		log.Fatalf("failed: %s", what)
	}
}

func main() {
	auth := smtp.PlainAuth("", "alice", "secret", "localhost")
	mail := []byte("From: alice@lab.test\r\nTo: bob@lab.test\r\nSubject: From Go\r\n\r\nHello\r\n")
	must(smtp.SendMail("localhost:"+os.Args[1], auth, "alice@lab.test", []string{"bob@lab.test"}, mail), "send")

	c, err := client.DialTLS("localhost:"+os.Args[2], nil)
	must(err, "dial")
	must(c.Login("bob", "geheim"), "login")
	must(c.Create("Go/Sub"), "create")
	boxes := make(chan *imap.MailboxInfo, 100)
	must(c.List("", "*", boxes), "list")
	names := map[string]bool{}
	for box := range boxes {
		names[box.Name] = true
	}
	check(names["INBOX"] && names["Go"] && names["Go/Sub"], "list")
	_, err = c.Select("INBOX", false)
	must(err, "select")
	criteria := imap.NewSearchCriteria()
	criteria.Header.Add("Subject", "From Go")
	uids, err := c.UidSearch(criteria)
	must(err, "search")
	check(len(uids) == 1, "search")
	set := new(imap.SeqSet)
	set.AddNum(uids...)
	section := &imap.BodySectionName{Peek: true}
	messages := make(chan *imap.Message, 1)
	must(c.UidFetch(set, []imap.FetchItem{imap.FetchEnvelope, imap.FetchBodyStructure, section.FetchItem()}, messages), "fetch")
	message := <-messages
	body, err := io.ReadAll(message.GetBody(section))
	must(err, "read")
	check(message.Envelope.Subject == "From Go" && bytes.HasSuffix(body, []byte("\r\n\r\nHello\r\n")), "fetch")
	must(c.UidStore(set, imap.FormatFlagsOp(imap.AddFlags, true), []interface{}{imap.FlaggedFlag}, nil), "store")
	must(c.Append("Go/Sub", []string{imap.SeenFlag}, time.Now(), bytes.NewBuffer(mail)), "append")
	must(c.UidMove(set, "Go/Sub"), "move")
	status, err := c.Status("Go/Sub", []imap.StatusItem{imap.StatusMessages})
	must(err, "status")
	check(status.Messages == 2, "status")
	must(c.Delete("Go/Sub"), "delete")
	must(c.Delete("Go"), "delete")
	must(c.Logout(), "logout")
	fmt.Println("done")
}
