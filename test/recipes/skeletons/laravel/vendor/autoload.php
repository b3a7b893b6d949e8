<?php

require_once '/usr/share/php/Illuminate/autoload.php';
require_once '/usr/share/php/GuzzleHttp/autoload.php';
require_once '/usr/share/php/Mockery/autoload.php';

spl_autoload_register(function (string $class): void {
    $file = __DIR__ . '/../' . lcfirst(strtr($class, '\\', '/')) . '.php';
    if (file_exists($file)) {
        require $file;
    }
});
