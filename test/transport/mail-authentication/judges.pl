# Judges messages with Mail::DKIM. Reads JSON lines, and writes one for each: see judges.py.
use strict;
use warnings;
use JSON::PP;
use MIME::Base64;
use Mail::DKIM::Verifier;
use Mail::DKIM::ARC::Verifier;

my $records = {};

package Answer {
    sub new { my ( $class, $text ) = @_; return bless { text => $text }, $class }
    sub type { 'TXT' }
    sub txtdata { $_[0]{text} }
    sub char_str_list { $_[0]{text} }
}

no warnings 'redefine';
*Mail::DKIM::DNS::query = sub {
    my ( $name, $type ) = @_;
    my $own = $records->{ lc $name };
    return $own && $type eq 'TXT' ? map { Answer->new($_) } @{ $own->{txt} || [] } : ();
};

local $| = 1;
while (<STDIN>) {
    my $request = decode_json($_);
    if ( $request->{records} ) { $records = $request->{records}; next }
    my $raw = decode_base64( $request->{raw} );
    my ( $dkim, $arc ) = ( Mail::DKIM::Verifier->new, Mail::DKIM::ARC::Verifier->new );
    for my $judge ( $dkim, $arc ) { $judge->PRINT($raw); $judge->CLOSE }
    my @signatures = map { $_->result eq 'pass' ? JSON::PP::true : JSON::PP::false } $dkim->signatures;
    print encode_json( { dkim => \@signatures, arc => $arc->result } ), "\n";
}
