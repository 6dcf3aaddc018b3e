DROP TABLE triune_replaced;
