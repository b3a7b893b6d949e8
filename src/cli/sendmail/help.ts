/** The help of `sealpost sendmail`. */
export const help = `Usage: sealpost sendmail [options] [recipient...]
       sealpost-sendmail [options] [recipient...]

Reads a message from standard input and submits it to the running lab, as
/usr/sbin/sendmail does.

  -t                take the recipients from To, Cc and Bcc, and remove Bcc
  -i, -oi           a line with a single dot does not end the message
  -f, -r ADDRESS    envelope sender; '' or '<>' for none
  -F NAME           full name of the sender, if the message has no From
  -N LIST           delivery reports: never, or some of success,failure,delay
  -R full|hdrs      what a delivery report returns
  -V ID             envelope id
  -B 7BIT|8BITMIME  body type
  -v                print the SMTP dialogue on standard error
  -bm               send a message (default)
  -bs               speak SMTP on standard input and output
  -bv               print whether the recipients are accepted, and send nothing
  -bp               list the mail that waits to be sent, as sealpost queue list
  -q                try to send it now, as sealpost queue flush
  -bi, -qTIME       accepted, without effect, as are other options of sendmail,
                    Postfix, Exim and msmtp

The lab:
  --config FILE     the running lab of this configuration
                    (default: that of config/default.yaml, else the only lab
                    that runs)
  --smtp, -S HOST[:PORT]
                    an SMTP port of a lab (default: SEALPOST_SMTP)
  --url URL         HTTP virtual server of a lab, with --token or --token-file
                    (default of the token: SEALPOST_TOKEN)
  --virtual-server NAME
                    the SMTP virtual server (default: the first one)
  --domain NAME     domain of addresses without one (default: that of the lab)

Exit status: 0 sent, 64 wrong use, 65 unreadable message or address, 67 unknown
recipient, 69 no lab or refused, 75 try again later, 76 no SMTP, 77 not allowed.
With a status other than 0, no recipient gets the message. The only exception:
if the connection breaks after the whole message, the lab may have it.

Examples:
  printf 'Subject: Hello\\n\\nHi.\\n' | sealpost sendmail alice@lab.test
  sealpost sendmail -bv alice@lab.test
`
