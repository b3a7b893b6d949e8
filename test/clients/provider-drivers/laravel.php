<?php
// Sends a message with the mail drivers of Laravel for Mailgun and Postmark, as `config/services.php` configures them. The
// endpoint of Mailgun is a setting; the name of Postmark leads to the lab, as a hosts entry makes it.
require '/usr/share/php/Illuminate/Mail/autoload.php';
require '/usr/share/php/Symfony/Component/HttpClient/autoload.php';
foreach (['Postmark', 'Mailgun'] as $bridge)
    require "/usr/share/php/Symfony/Component/Mailer/Bridge/$bridge/autoload.php";

use Illuminate\Container\Container;
use Illuminate\Mail\MailManager;
use Symfony\Component\Mailer\Mailer;
use Symfony\Component\Mime\Email;

[, $port, $ca] = $argv;
$client = ['cafile' => $ca, 'resolve' => ['api.postmarkapp.com' => '127.0.0.1']];
$app = new Container();
$app->instance('config', new ArrayObject());
$manager = new MailManager($app);
$mailgun = ['transport' => 'mailgun', 'secret' => 'key', 'domain' => 'lab.test', 'endpoint' => "localhost:$port/mailgun"];
$postmark = ['transport' => 'postmark', 'token' => '11111111-2222-3333-4444-555555555555'];
$transports = [
    'mailgun' => $manager->createSymfonyTransport($mailgun + ['client' => $client]),
    'postmark' => $manager->createSymfonyTransport($postmark + ['client' => $client])->setPort((int) $port),
];
foreach ($transports as $name => $transport) {
    $email = (new Email())->from('Shop <shop@lab.test>')->to('alice@lab.test')->bcc('bob@lab.test')
        ->subject("By $name")->text('Hello')->html('<p>Hello</p>')->attach('attached', 'a.txt', 'text/plain');
    try {
        (new Mailer($transport))->send($email);
        echo "$name sent\n";
    } catch (Throwable $error) {
        echo "$name {$error->getMessage()}\n";
    }
}
