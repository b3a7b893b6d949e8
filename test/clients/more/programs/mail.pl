# Does with Mail::IMAPClient what its users do: folders, flags, search, threads, quota, copies. Arguments: port of IMAPS, root, mechanism.
use strict;
use warnings;
use Mail::IMAPClient;

my ($port, $root, $mechanism) = @ARGV;
my $imap = Mail::IMAPClient->new(
    Server => 'localhost', Port => $port, User => 'bob', Password => 'geheim', Uid => 1,
    Ssl => [ SSL_ca_file => $root, SSL_verify_mode => 1, SSL_verifycn_name => 'localhost', SSL_verifycn_scheme => 'imap' ],
    ($mechanism eq 'LOGIN' ? () : (Authmechanism => $mechanism)),
) or die "log-on: $@\n";
sub check { my ($what, $value) = @_; die "failed: $what: " . ($imap->LastError // '') . "\n" unless $value }

check 'capability', $imap->has_capability('UIDPLUS');
check 'create', $imap->create('Perl') && $imap->create('Perl/Sub');
check 'exists', $imap->exists('Perl/Sub') && $imap->is_parent('Perl');
check 'subscribe', $imap->subscribe('Perl') && grep { $_ eq 'Perl' } $imap->subscribed;
check 'select', $imap->select('Perl');
my @uids = map { $imap->append_string('Perl', "From: alice\@lab.test\r\nSubject: number $_\r\nMessage-ID: <$_\@perl.test>\r\n\r\nThis is $_.\r\n", '\\Seen') } 1 .. 4;
check 'append', @uids == 4 && $imap->message_count('Perl') == 4;
check 'search', "@{[ $imap->search('SUBJECT', \'number 2') ]}" eq $uids[1];
check 'subject', $imap->subject($uids[2]) eq 'number 3';
check 'body', $imap->body_string($uids[3]) eq "This is 4.\r\n";
check 'flags', $imap->set_flag('\\Flagged', $uids[0]) && grep { $_ eq '\\Flagged' } $imap->flags($uids[0]);
check 'flagged', "@{[ $imap->search('FLAGGED') ]}" eq $uids[0];
check 'unset', $imap->unset_flag('Flagged', $uids[0]) && !grep { $_ eq '\\Flagged' } $imap->flags($uids[0]);
check 'copy', $imap->copy('Perl/Sub', $uids[0], $uids[1]) && $imap->message_count('Perl/Sub') == 2;
check 'move', $imap->move('Perl/Sub', $uids[2]) && $imap->expunge && $imap->message_count('Perl/Sub') == 3;
check 'structure', $imap->get_bodystructure($uids[0])->bodytype eq 'TEXT';
check 'envelope', $imap->get_envelope($uids[0])->subject eq 'number 1';
check 'thread', @{ $imap->thread('REFERENCES') };
check 'sort', "@{[ $imap->sort('REVERSE SUBJECT', 'UTF-8', 'ALL') ]}" eq join ' ', reverse @uids[0, 1, 3];
check 'quota', defined $imap->quota_usage('INBOX') || $imap->getquotaroot('INBOX');
check 'delete message', $imap->delete_message($uids[0]) && $imap->expunge;
check 'status', $imap->message_count('Perl') == 2;
check 'idle', do { my $tag = $imap->idle; $tag && $imap->done($tag) };
check 'rename', $imap->rename('Perl/Sub', 'Perl/Renamed') && $imap->exists('Perl/Renamed');
check 'delete', $imap->delete('Perl/Renamed') && $imap->close && $imap->delete('Perl');
check 'gone', !$imap->exists('Perl');
check 'logout', $imap->logout;
print "done\n";
