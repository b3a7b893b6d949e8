<?php
// Sends a message with each provider's transport of Symfony Mailer, which are those of Laravel, too. The names of the
// providers lead to the lab, as a hosts entry makes them.
require '/usr/share/php/Symfony/Component/Mailer/autoload.php';
require '/usr/share/php/Symfony/Component/HttpClient/autoload.php';
require '/usr/share/php/AsyncAws/Ses/autoload.php';
foreach (['Postmark', 'Sendgrid', 'Mailgun', 'Brevo', 'Mailjet', 'Amazon'] as $bridge)
    require "/usr/share/php/Symfony/Component/Mailer/Bridge/$bridge/autoload.php";

use Symfony\Component\HttpClient\NativeHttpClient;
use Symfony\Component\Mailer\Mailer;
use Symfony\Component\Mailer\Transport;
use Symfony\Component\Mime\Email;

[, $port, $ca] = $argv;
$hosts = [
    'postmark+api://11111111-2222-3333-4444-555555555555' => 'api.postmarkapp.com',
    'sendgrid+api://SG.key' => 'api.sendgrid.com',
    'mailgun+api://key:lab.test' => 'api.mailgun.net',
    'brevo+api://xkeysib-key' => 'api.brevo.com',
    'mailjet+api://id:secret' => 'api.mailjet.com',
    'ses+api://AKIALAB:secret' => 'email.eu-west-1.amazonaws.com',
];
$client = new NativeHttpClient(['cafile' => $ca, 'resolve' => array_fill_keys(array_values($hosts), '127.0.0.1')]);
foreach ($hosts as $dsn => $host) {
    $transport = Transport::fromDsn("$dsn@$host:$port", null, $client);
    // The factory for Mailjet forgets the port.
    $mailer = new Mailer($host === 'api.mailjet.com' ? $transport->setPort((int) $port) : $transport);
    $email = (new Email())->from('Shop <shop@lab.test>')->to('alice@lab.test')->bcc('bob@lab.test')
        ->subject("By $host")->text('Hello')->html('<p>Hello</p>')->attach('attached', 'a.txt', 'text/plain');
    try {
        $mailer->send($email);
        echo "$host sent\n";
    } catch (Throwable $error) {
        echo "$host {$error->getMessage()}\n";
    }
}
