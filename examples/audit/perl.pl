# sealpost audit --protocol smtp pop3 nntp -- perl examples/audit/perl.pl
# Net::SMTP, Net::POP3 and Net::NNTP, with IO::Socket::SSL.
use strict;
use warnings;
use Net::NNTP;
use Net::POP3;
use Net::SMTP;

my ($address, $port, $form) = @ENV{qw(AUDIT_ADDRESS AUDIT_PORT AUDIT_FORM)};
my @logon = @ENV{qw(AUDIT_USER AUDIT_PASSWORD)};
my @tls = (
    SSL_ca_file => $ENV{AUDIT_CA_FILE}, SSL_hostname => $ENV{AUDIT_HOSTNAME}, SSL_verifycn_name => $ENV{AUDIT_HOSTNAME}
);

sub connected {
    my ($class, %options) = @_;
    my $client = $class->new($address, Port => $port, Timeout => 8, %options, $form eq 'implicit' ? (SSL => 1, @tls) : ())
        or die "connect: $@\n";
    $client->starttls(@tls) or die 'starttls: ', $client->message, " $IO::Socket::SSL::SSL_ERROR\n" if $form eq 'starttls';
    return $client;
}

my %clients = (
    smtp => sub {
        my $client = connected('Net::SMTP');
        $client->auth(@logon) or die 'auth: ', $client->message;
        $client->mail('alice@lab.test') and $client->to('alice@lab.test') and $client->data("Subject: audit\n\nhello\n")
            or die $client->message;
        $client->quit;
    },
    pop3 => sub {
        my $client = connected('Net::POP3');
        defined $client->login(@logon) or die 'login: ', $client->message;
        $client->list or die 'list: ', $client->message;
        $client->quit;
    },
    nntp => sub {
        my $client = connected('Net::NNTP', Reader => 0);
        $client->authinfo(@logon) or die 'authinfo: ', $client->message;
        $client->group('lab.general') or die 'group: ', $client->message;
        $client->quit;
    },
);
$clients{ $ENV{AUDIT_PROTOCOL} }->();
