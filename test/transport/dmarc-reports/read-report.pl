# Reads the aggregate report in a message on standard input, and prints what Mail::DMARC would store of it as JSON.
use strict;
use warnings;
use Email::MIME;
use JSON::PP;
use Mail::DMARC::Report;
use Mail::DMARC::Report::Receive;

no warnings 'redefine';
*Mail::DMARC::Report::save_aggregate = sub {
  my $report = shift->aggregate;
  print STDERR encode_json({
    domain => $report->policy_published->domain,
    p => $report->policy_published->p,
    org => $report->metadata->org_name,
    rows => [ map { {
      ip => $_->row->source_ip,
      count => 0 + $_->row->count,
      disposition => $_->row->policy_evaluated->{disposition},
      spf => $_->row->policy_evaluated->{spf},
      from => $_->identifiers->header_from,
    } } @{ $report->record } ],
  });
  return 1;
};
my $text = do { local $/; <STDIN> };
Mail::DMARC::Report::Receive->new->from_email_simple(Email::MIME->new($text));
