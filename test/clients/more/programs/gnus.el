;;; Sends mail with smtpmail, posts and reads an article (nntp), reads mail with flags (nnimap).  -*- lexical-binding: t -*-
;; Environment: SMTP_PORT, NEWS_PORT, IMAP_PORT, ROOT, AUTHINFO.
(require 'gnus)
(require 'nntp)
(require 'nnimap)
(require 'smtpmail)
(defun check (what value) (unless value (error "failed: %s: %s" what (nnheader-get-report 'nntp))) value)
(defun port (name) (string-to-number (getenv name)))
(setq gnutls-trustfiles (list (getenv "ROOT"))
      gnutls-verify-error t
      network-security-level 'medium
      nsm-settings-file (expand-file-name "nsm" (getenv "HOME"))
      auth-sources (list (getenv "AUTHINFO"))
      user-mail-address "alice@lab.test"
      send-mail-function 'smtpmail-send-it
      smtpmail-smtp-server "localhost"
      smtpmail-smtp-service (port "SMTP_PORT")
      smtpmail-stream-type 'starttls)

(with-temp-buffer
  (insert "From: alice@lab.test\nTo: bob@lab.test\nSubject: From Emacs\n" mail-header-separator "\nHello\n")
  (smtpmail-send-it))

(check "nntp" (nntp-open-server "news" `((nntp-address "localhost") (nntp-port-number ,(port "NEWS_PORT"))
                                         (nntp-open-connection-function nntp-open-tls-stream))))
(with-temp-buffer
  (insert "From: alice@lab.test\nNewsgroups: lab.general\nSubject: News from Emacs\nMessage-ID: <emacs@lab.test>\n\nHello\n")
  (check "post" (nntp-request-post "news")))
(check "news group" (nntp-request-group "lab.general" "news"))
(with-temp-buffer
  (check "news article" (nntp-request-article "<emacs@lab.test>" "lab.general" "news" (current-buffer)))
  (check "news subject" (progn (goto-char (point-min)) (search-forward "Subject: News from Emacs" nil t))))

(check "imap" (nnimap-open-server "mail" `((nnimap-address "localhost") (nnimap-server-port ,(port "IMAP_PORT"))
                                           (nnimap-stream tls) (nnimap-user "bob"))))
(check "imap group" (nnimap-request-group "INBOX" "mail"))
(with-temp-buffer
  (check "imap article" (nnimap-request-article 1 "INBOX" "mail" (current-buffer)))
  (check "imap subject" (progn (goto-char (point-min)) (search-forward "Subject: From Emacs" nil t))))
(nnimap-request-set-mark "INBOX" '(((1) add (tick))) "mail")
(with-temp-buffer
  (insert "From: bob@lab.test\nSubject: Kept by Emacs\n\nHello\n")
  (check "imap append" (nnimap-request-accept-article "INBOX" "mail")))
(princ "done\n")
