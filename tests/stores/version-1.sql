-- A store as the first version made it: two HITs, one with work to review, a qualification, a block.
-- Lives and delays end in 2096, so that it does not age.
BEGIN TRANSACTION;
CREATE TABLE assignments (
	seq INTEGER NOT NULL, 
	id VARCHAR(64) NOT NULL, 
	hit VARCHAR(64) NOT NULL, 
	requester VARCHAR(64) NOT NULL, 
	worker VARCHAR(64) NOT NULL, 
	status VARCHAR(12) NOT NULL, 
	accepted FLOAT NOT NULL, 
	deadline FLOAT NOT NULL, 
	submitted FLOAT, 
	due FLOAT, 
	approved FLOAT, 
	rejected FLOAT, 
	answer TEXT, 
	feedback TEXT, 
	PRIMARY KEY (seq), 
	UNIQUE (id)
);
INSERT INTO "assignments" VALUES(1,'3THL4D5FLGCQ4WFL84V5TY5GPZ15EC','3708DACTI5AEBTEPEYO0OATT21SSHN','AMRWBSNZ2ZHRH5','A1WORKER','Submitted',1795574540.0,1795575140.0,1795574540.0,4000000000.0,NULL,NULL,'<?xml version="1.0" encoding="ASCII"?><QuestionFormAnswers xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"><Answer><QuestionIdentifier>a</QuestionIdentifier><FreeText>x</FreeText></Answer></QuestionFormAnswers>',NULL);
CREATE TABLE blocks (
	seq INTEGER NOT NULL, 
	requester VARCHAR(64) NOT NULL, 
	worker VARCHAR(64) NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (requester, worker)
);
INSERT INTO "blocks" VALUES(1,'AMRWBSNZ2ZHRH5','A2BAD','r');
CREATE TABLE grants (
	seq INTEGER NOT NULL, 
	type_id VARCHAR(64) NOT NULL, 
	worker VARCHAR(64) NOT NULL, 
	value INTEGER NOT NULL, 
	granted FLOAT NOT NULL, 
	status VARCHAR(8) NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (type_id, worker)
);
INSERT INTO "grants" VALUES(1,'3TUNF4KLH02A5BBNYFNZ65U45WKINJ','A1WORKER',7,1795574540.0,'Granted');
CREATE TABLE hit_types (
	id VARCHAR(64) NOT NULL, 
	requester VARCHAR(64) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	group_id VARCHAR(64) NOT NULL, 
	title TEXT, 
	description TEXT, 
	keywords TEXT, 
	reward INTEGER NOT NULL, 
	duration INTEGER NOT NULL, 
	auto_approval INTEGER NOT NULL, 
	requirements TEXT NOT NULL, 
	masters INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (requester, digest)
);
INSERT INTO "hit_types" VALUES('3B28B0TN79IAQC977MI02RB8JH4IFG','AMRWBSNZ2ZHRH5','df1a6000c67b588b9bc2c601a34524c63a7e61b9eed8d15341c86ae1103f3253','3G28B0TN79IAQC977MI02RB8JH4IFG','T','D',NULL,10,600,2592000,'[]',0);
CREATE TABLE hits (
	seq INTEGER NOT NULL, 
	id VARCHAR(64) NOT NULL, 
	requester VARCHAR(64) NOT NULL, 
	type_id VARCHAR(64) NOT NULL, 
	created FLOAT NOT NULL, 
	expires FLOAT NOT NULL, 
	maximum INTEGER NOT NULL, 
	pending INTEGER NOT NULL, 
	submitted INTEGER NOT NULL, 
	approved INTEGER NOT NULL, 
	rejected INTEGER NOT NULL, 
	taken INTEGER NOT NULL, 
	question TEXT NOT NULL, 
	annotation TEXT, 
	reviewing INTEGER NOT NULL, 
	disposed INTEGER NOT NULL, 
	holding INTEGER NOT NULL, 
	unit INTEGER NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (id)
);
INSERT INTO "hits" VALUES(1,'3708DACTI5AEBTEPEYO0OATT21SSHN','AMRWBSNZ2ZHRH5','3B28B0TN79IAQC977MI02RB8JH4IFG',1795574540.0,4000000000.0,1,0,1,0,0,1,'<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd"><HTMLContent><![CDATA[<!DOCTYPE html><html><body><form></form></body></html>]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>','n0',0,0,1,12);
INSERT INTO "hits" VALUES(2,'3PGH6VI64OYZDWUP5AL6STPXR1UJFI','AMRWBSNZ2ZHRH5','3B28B0TN79IAQC977MI02RB8JH4IFG',1795574540.0,4000000000.0,1,0,0,0,0,0,'<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd"><HTMLContent><![CDATA[<!DOCTYPE html><html><body><form></form></body></html>]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>','n1',0,0,1,12);
CREATE TABLE qualification_types (
	seq INTEGER NOT NULL, 
	id VARCHAR(64) NOT NULL, 
	requester VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	created FLOAT NOT NULL, 
	deleted FLOAT, 
	fields TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (id)
);
INSERT INTO "qualification_types" VALUES(1,'3TUNF4KLH02A5BBNYFNZ65U45WKINJ','AMRWBSNZ2ZHRH5','Trained',1795574540.0,NULL,'{"Description": "It''s \"D\"", "Keywords": "a,b", "QualificationTypeStatus": "Inactive", "RetryDelayInSeconds": 60}');
CREATE TABLE requesters (
	id VARCHAR(64) NOT NULL, 
	access_key VARCHAR(128), 
	balance INTEGER NOT NULL, 
	held INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (access_key)
);
INSERT INTO "requesters" VALUES('AMRWBSNZ2ZHRH5','LOCAL',1000000,24);
CREATE TABLE settings (
	name VARCHAR(40) NOT NULL, 
	value TEXT, 
	PRIMARY KEY (name)
);
CREATE TABLE tokens (
	requester VARCHAR(64) NOT NULL, 
	operation VARCHAR(64) NOT NULL, 
	token VARCHAR(300) NOT NULL, 
	used FLOAT NOT NULL, 
	object_id VARCHAR(64) NOT NULL, 
	PRIMARY KEY (requester, operation, token)
);
INSERT INTO "tokens" VALUES('AMRWBSNZ2ZHRH5','CreateHITWithHITType','t0',1.79557454091951227185e+09,'3708DACTI5AEBTEPEYO0OATT21SSHN');
INSERT INTO "tokens" VALUES('AMRWBSNZ2ZHRH5','CreateHITWithHITType','t1',1.79557454094285583491e+09,'3PGH6VI64OYZDWUP5AL6STPXR1UJFI');
CREATE INDEX ix_hits_type_id ON hits (type_id);
CREATE INDEX hits_ending ON hits (holding, expires);
CREATE INDEX hits_listed ON hits (requester, disposed, seq);
CREATE INDEX assignments_late ON assignments (status, deadline);
CREATE INDEX assignments_due ON assignments (status, due);
CREATE INDEX ix_assignments_hit ON assignments (hit);
CREATE INDEX qualification_types_named ON qualification_types (requester, name);
COMMIT;
